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
{{- if and $kafka.tls.certificateKey (not $kafka.tls.existingSecret) (not $kafka.tls.clientSecret) -}}
{{- fail "kafka.tls.certificateKey is set without kafka.tls.existingSecret and kafka.tls.clientSecret, so there is nothing to take it from. Name the Secret." -}}
{{- end -}}
{{- if and $kafka.tls.clientSecret (not $kafka.tls.certificateKey) -}}
{{- fail "kafka.tls.clientSecret is set without kafka.tls.certificateKey: no client certificate would be shown. Set certificateKey and privateKeyKey (of a Strimzi KafkaUser user.crt and user.key)." -}}
{{- end -}}
{{- if and $kafka.tls.clientSecret (not $encrypted) -}}
{{- fail (printf "kafka.tls.clientSecret is set, but kafka.securityProtocol %s does not encrypt. Set it to SSL or SASL_SSL." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and (or .Values.worker.enabled .Values.setup.enabled) (not .Values.schemaRegistry.url) -}}
{{- fail "schemaRegistry.url is empty: worker and setup need the registry. Set it, or set worker.enabled and setup.enabled to false." -}}
{{- end -}}
{{- include "canvas-bridge.componentRefusals" . -}}
{{- end }}

{{- define "canvas-bridge.componentRefusals" -}}
{{- with .Values.webhook -}}
{{- if and .enabled .ingress.enabled (not .ingress.host) -}}
{{- fail "webhook.ingress.host is empty, but webhook.ingress.enabled is true. Set it to the host name Canvas posts to." -}}
{{- end -}}
{{- if and .enabled .rootAccountUuids (eq .accept "plain") -}}
{{- fail "webhook.rootAccountUuids is set, but webhook.accept is plain: nothing proves whose an unsigned event is, so the list would protect nobody. Set accept to signed, or empty the list." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.webhook.enabled (ge (float64 .Values.kafka.deliveryTimeoutSeconds) 15.0) -}}
{{- fail (printf "kafka.deliveryTimeoutSeconds is %v, but Canvas waits 15 s for the webhook's answer: each delivery that Kafka does not take would count as a timeout against your subscription. Set it to 10." .Values.kafka.deliveryTimeoutSeconds) -}}
{{- end -}}
{{- include "canvas-bridge.spoolRefusals" . -}}
{{- include "canvas-bridge.scalingRefusals" . -}}
{{- with .Values.sqs -}}
{{- if and .enabled (not .queueUrl) -}}
{{- fail "sqs.queueUrl is empty, but sqs.enabled is true. Set it to the URL of the queue Canvas writes to." -}}
{{- end -}}
{{- end -}}
{{- with .Values.worker -}}
{{- if and .enabled (gt (int64 .deadLetterLimit.minimum) (int64 .deadLetterLimit.events)) -}}
{{- fail (printf "worker.deadLetterLimit.minimum is %v, but only the last %v events count (worker.deadLetterLimit.events): the limit could not be reached. Lower the one or raise the other." .deadLetterLimit.minimum .deadLetterLimit.events) -}}
{{- end -}}
{{- end -}}
{{- include "canvas-bridge.gracePeriodRefusals" . -}}
{{- end }}

{{- define "canvas-bridge.spoolRefusals" -}}
{{- with .Values.webhook -}}
{{- if and .enabled .spool.enabled -}}
{{- if le (include "canvas-bridge.bytes" .spool.size | int64) (add .spool.maxBytes 33554432) -}}
{{- fail (printf "webhook.spool.size is %s: the disk would be full before webhook.spool.maxBytes is reached. Set it to more than %d bytes (maxBytes + 32 MiB), or lower maxBytes." .spool.size (add .spool.maxBytes 33554432)) -}}
{{- end -}}
{{- $retention := $.Values.setup.rawRetentionHours -}}
{{- if and $.Values.setup.enabled (ge (int64 $retention) 0) (ge (float64 .spool.maxAgeHours) (float64 $retention)) -}}
{{- fail (printf "webhook.spool.maxAgeHours is %v, but the raw topic keeps events for %v hours (setup.rawRetentionHours): what is carried into it so late would be deleted before it is read. Lower the one or raise the other." .spool.maxAgeHours $retention) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Bytes of a size like 1.5Gi. */}}
{{- define "canvas-bridge.bytes" -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- mulf (regexFind "^[0-9.]+" .) (get $units (regexFind "[a-zA-Z]*$" .)) | int64 -}}
{{- end }}

{{/* How long a stop may take: answering or finishing what is in hand, then Kafka's confirmations, then the last traces. */}}
{{- define "canvas-bridge.gracePeriodRefusals" -}}
{{- $last := addf .Values.kafka.deliveryTimeoutSeconds (ternary 5 0 (not (empty .Values.tracing.otlpEndpoint))) -}}
{{- $spool := .Values.webhook.spool -}}
{{- $webhook := addf $last 25 (ternary (addf $spool.waitSeconds $spool.drainSeconds) 0.0 $spool.enabled) -}}
{{- range $component, $longest := dict "webhook" $webhook "sqs" (addf $last 10 .Values.sqs.waitSeconds) "worker" (addf $last 10) -}}
{{- with index $.Values $component -}}
{{- if and .enabled (le (float64 .terminationGracePeriodSeconds) $longest) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %v: the pod would be killed with records on their way to Kafka. Set it to more than %v." $component .terminationGracePeriodSeconds $longest) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
