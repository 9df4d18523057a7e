{{/* Variables as the programs know them, as YAML maps; canvas-bridge.environment makes a container's list of them. */}}

{{- define "canvas-bridge.kafkaVariables" -}}
{{- with .Values.kafka -}}
KAFKA_BOOTSTRAP_SERVERS: {{ .bootstrapServers | quote }}
KAFKA_SECURITY_PROTOCOL: {{ .securityProtocol | quote }}
KAFKA_TOPIC_PREFIX: {{ .topicPrefix | quote }}
KAFKA_DELIVERY_TIMEOUT_SECONDS: {{ .deliveryTimeoutSeconds }}
{{- with .saslMechanism }}
KAFKA_SASL_MECHANISM: {{ . | quote }}
{{- end }}
{{- with .saslUsername }}
KAFKA_SASL_USERNAME: {{ . | quote }}
{{- end }}
{{- if .tls.existingSecret }}
KAFKA_SSL_CA_LOCATION: {{ printf "/run/secrets/kafka-tls/%s" .tls.caKey | quote }}
{{- end }}
{{- $client := ternary "kafka-tls" "kafka-client-tls" (empty .tls.clientSecret) }}
{{- with .tls.certificateKey }}
KAFKA_SSL_CERTIFICATE_LOCATION: {{ printf "/run/secrets/%s/%s" $client . | quote }}
{{- end }}
{{- with .tls.privateKeyKey }}
KAFKA_SSL_KEY_LOCATION: {{ printf "/run/secrets/%s/%s" $client . | quote }}
{{- end }}
{{- end }}
LOG_LEVEL: {{ .Values.log.level | quote }}
LOG_FORMAT: {{ .Values.log.format | quote }}
{{- if .Values.existingSecret }}
SECRETS_DIR: /run/secrets/canvas-bridge
{{- end }}
{{- end }}

{{- define "canvas-bridge.registryVariables" -}}
{{- with .Values.schemaRegistry -}}
SCHEMA_REGISTRY_URL: {{ .url | quote }}
{{- if .tls.existingSecret }}
SCHEMA_REGISTRY_SSL_CA_LOCATION: {{ printf "/run/secrets/schema-registry-tls/%s" .tls.caKey | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The same for both doors: a masked value counts for the event_id. */}}
{{- define "canvas-bridge.redactVariables" -}}
BRIDGE_REDACT__QUERY_KEYS: {{ join "," .Values.redact.queryKeys | quote }}
{{- end }}

{{/* The programs give their services names themselves. */}}
{{- define "canvas-bridge.tracingVariables" -}}
{{- with .Values.tracing -}}
{{- if .otlpEndpoint -}}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .otlpEndpoint | quote }}
OTEL_TRACES_SAMPLER: parentbased_traceidratio
OTEL_TRACES_SAMPLER_ARG: {{ .samplingRatio }}
{{- end }}
{{- end }}
{{- end }}

{{/* A container's list. Takes {component, variables: list of such maps, extra: list of the user's}. */}}
{{- define "canvas-bridge.environment" -}}
{{- $list := list -}}
{{- range $name, $value := join "\n" .variables | fromYaml -}}
{{- /* Helm reads numbers as floats: toJson prints 1048576 where toString prints 1.048576e+06. */ -}}
{{- $list = append $list (dict "name" $name "value" (ternary $value (toJson $value) (kindIs "string" $value))) -}}
{{- end -}}
{{- $names := list -}}
{{- range concat $list .extra -}}
{{- if has .name $names -}}
{{- fail (printf "%s.extraEnv names %s, which the chart sets itself: a pod may not have a variable twice. Use the chart's own value." $.component .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- concat $list .extra | toYaml -}}
{{- end }}
