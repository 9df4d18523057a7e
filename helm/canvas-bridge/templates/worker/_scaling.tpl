{{/* KEDA's trigger: so many raw records waiting for each pod. */}}
{{- define "canvas-bridge.workerTrigger" -}}
{{- $mechanisms := dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" -}}
type: kafka
metadata:
  bootstrapServers: {{ .Values.kafka.bootstrapServers | quote }}
  topic: {{ printf "%sraw" .Values.kafka.topicPrefix | quote }}
  consumerGroup: {{ .Values.worker.groupId | quote }}
  lagThreshold: {{ .Values.worker.autoscaling.lag | quote }}
  # Where the workers themselves begin in a partition that has no offset yet.
  offsetResetPolicy: earliest
  # A pod beyond the partitions has no work.
  allowIdleConsumers: "false"
  # What does not move although a worker has it, more workers do not move either.
  excludePersistentLag: "true"
  {{- with .Values.kafka.saslMechanism }}
  sasl: {{ get $mechanisms . }}
  {{- end }}
  tls: {{ ternary "enable" "disable" (hasSuffix "SSL" .Values.kafka.securityProtocol) }}
{{- if include "canvas-bridge.workerTriggerSecrets" . }}
authenticationRef:
  name: {{ include "canvas-bridge.componentName" (dict "root" . "component" "worker") }}
{{- end }}
{{- end }}

{{/* Spec of the TriggerAuthentication: what the workers show Kafka, KEDA shows too. Empty where they show nothing. */}}
{{- define "canvas-bridge.workerTriggerSecrets" -}}
{{- with .Values.kafka -}}
{{- $secrets := list -}}
{{- if .saslMechanism -}}
{{- $secrets = append $secrets (dict "parameter" "password" "name" $.Values.existingSecret "key" "kafka_sasl_password") -}}
{{- if not .saslUsername -}}
{{- $secrets = append $secrets (dict "parameter" "username" "name" $.Values.existingSecret "key" "kafka_sasl_username") -}}
{{- end -}}
{{- end -}}
{{- if .tls.existingSecret -}}
{{- $secrets = append $secrets (dict "parameter" "ca" "name" .tls.existingSecret "key" .tls.caKey) -}}
{{- end -}}
{{- if .tls.certificateKey -}}
{{- $client := default .tls.existingSecret .tls.clientSecret -}}
{{- $secrets = append $secrets (dict "parameter" "cert" "name" $client "key" .tls.certificateKey) -}}
{{- $secrets = append $secrets (dict "parameter" "key" "name" $client "key" .tls.privateKeyKey) -}}
{{- end -}}
{{- with $secrets -}}
secretTargetRef:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .saslMechanism .saslUsername }}
env:
  - {parameter: username, name: KAFKA_SASL_USERNAME, containerName: worker}
{{- end }}
{{- end }}
{{- end }}
