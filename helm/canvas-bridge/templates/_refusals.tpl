{{/* Values that cannot work, each refused with a sentence: the value, the cause, the remedy. */}}
{{- define "canvas-bridge.refusals" -}}
{{- $kafka := .Values.kafka -}}
{{- $sasl := hasPrefix "SASL_" $kafka.securityProtocol -}}
{{- $encrypted := hasSuffix "SSL" $kafka.securityProtocol -}}
{{- if not $kafka.bootstrapServers -}}
{{- fail "kafka.bootstrapServers is empty: nothing can be stored. Set it to your brokers, host:port,…" -}}
{{- end -}}
{{- if and $sasl (not $kafka.saslMechanism) -}}
{{- fail (printf "kafka.saslMechanism is empty, but kafka.securityProtocol is %s. Set it to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and $sasl (not .Values.existingSecret) -}}
{{- fail (printf "existingSecret is empty, but kafka.securityProtocol is %s. Make a Secret with the key kafka_sasl_password and name it." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and $kafka.saslMechanism (not $sasl) -}}
{{- fail (printf "kafka.saslMechanism is %s, but kafka.securityProtocol %s does not authenticate. Set it to SASL_SSL or SASL_PLAINTEXT." $kafka.saslMechanism $kafka.securityProtocol) -}}
{{- end -}}
{{- if and $kafka.tls.existingSecret (not $encrypted) -}}
{{- fail (printf "kafka.tls.existingSecret is set, but kafka.securityProtocol %s does not encrypt. Set it to SSL or SASL_SSL." $kafka.securityProtocol) -}}
{{- end -}}
{{- if ne (empty $kafka.tls.certificateKey) (empty $kafka.tls.privateKeyKey) -}}
{{- fail "kafka.tls.certificateKey and kafka.tls.privateKeyKey go together: a client certificate is nothing without its key. Set both or neither." -}}
{{- end -}}
{{- if and $kafka.tls.certificateKey (not $kafka.tls.existingSecret) -}}
{{- fail "kafka.tls.certificateKey is set without kafka.tls.existingSecret, so there is nothing to take it from. Name the Secret." -}}
{{- end -}}
{{- if and (or .Values.worker.enabled .Values.setup.enabled) (not .Values.schemaRegistry.url) -}}
{{- fail "schemaRegistry.url is empty: worker and setup need the registry. Set it, or set worker.enabled and setup.enabled to false." -}}
{{- end -}}
{{- include "canvas-bridge.componentRefusals" . -}}
{{- end }}

{{- define "canvas-bridge.componentRefusals" -}}
{{- $delivery := float64 .Values.kafka.deliveryTimeoutSeconds -}}
{{- with .Values.webhook -}}
{{- if and .enabled .ingress.enabled (not .ingress.host) -}}
{{- fail "webhook.ingress.host is empty, but webhook.ingress.enabled is true. Set it to the host name Canvas posts to." -}}
{{- end -}}
{{- if and .enabled .rootAccountUuids (eq .accept "plain") -}}
{{- fail "webhook.rootAccountUuids is set, but webhook.accept is plain: nothing proves whose an unsigned event is, so the list would protect nobody. Set accept to signed, or empty the list." -}}
{{- end -}}
{{- if and .enabled (lt (int64 .maxInFlightBytes) (int64 .maxBodyBytes)) -}}
{{- fail "webhook.maxInFlightBytes is less than webhook.maxBodyBytes: the largest body would always be answered with 503. Raise the one or lower the other." -}}
{{- end -}}
{{- end -}}
{{- with .Values.sqs -}}
{{- if and .enabled (not .queueUrl) -}}
{{- fail "sqs.queueUrl is empty, but sqs.enabled is true. Set it to the URL of the queue Canvas writes to." -}}
{{- end -}}
{{- end -}}
{{- range $component, $longest := dict "webhook" (addf $delivery 25) "sqs" (addf $delivery 10 .Values.sqs.waitSeconds) "worker" (addf $delivery 10) -}}
{{- with index $.Values $component -}}
{{- if and .enabled (le (float64 .terminationGracePeriodSeconds) $longest) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %v: the pod would be killed with records on their way to Kafka. Set it to more than %v." $component .terminationGracePeriodSeconds $longest) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
