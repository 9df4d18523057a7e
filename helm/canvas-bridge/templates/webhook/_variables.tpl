{{- define "canvas-bridge.webhookVariables" -}}
{{- with .Values.webhook -}}
BRIDGE_ADMIN__HOST: 0.0.0.0
BRIDGE_ADMIN__PORT: 9090
BRIDGE_WEBHOOK__HOST: 0.0.0.0
BRIDGE_WEBHOOK__PORT: 8080
BRIDGE_WEBHOOK__PATH: {{ .path | quote }}
BRIDGE_WEBHOOK__ACCEPT: {{ .accept | quote }}
BRIDGE_WEBHOOK__JWKS_URL: {{ .jwksUrl | quote }}
BRIDGE_WEBHOOK__ISSUER: {{ .issuer | quote }}
BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS: {{ join "," .rootAccountUuids | quote }}
BRIDGE_WEBHOOK__MAX_BODY_BYTES: {{ int64 .maxBodyBytes }}
BRIDGE_WEBHOOK__MAX_IN_FLIGHT_BYTES: {{ int64 .maxInFlightBytes }}
BRIDGE_WEBHOOK__MAX_CONNECTIONS: {{ int64 .maxConnections }}
BRIDGE_WEBHOOK__KEEP_ALIVE_SECONDS: {{ .keepAliveSeconds }}
{{- end }}
{{- end }}

{{/* What is on the disks of the webhook's own pods. */}}
{{- define "canvas-bridge.webhookDiskVariables" -}}
{{- with .Values.webhook -}}
{{- if .tls.existingSecret }}
BRIDGE_WEBHOOK__TLS_CERTIFICATE: {{ printf "/run/secrets/webhook-tls/%s" .tls.certificateKey | quote }}
BRIDGE_WEBHOOK__TLS_KEY: {{ printf "/run/secrets/webhook-tls/%s" .tls.privateKeyKey | quote }}
{{- end }}
{{- if .spool.enabled }}
BRIDGE_STATE_DIRECTORY: /var/lib/canvas-bridge/state
BRIDGE_SPOOL__DIRECTORY: /var/lib/canvas-bridge/spool
BRIDGE_SPOOL__MAX_BYTES: {{ int64 .spool.maxBytes }}
BRIDGE_SPOOL__MAX_AGE_HOURS: {{ .spool.maxAgeHours }}
BRIDGE_SPOOL__KAFKA_SECONDS: {{ .spool.kafkaSeconds }}
BRIDGE_SPOOL__DRAIN_SECONDS: {{ .spool.drainSeconds }}
{{- end }}
{{- end }}
{{- end }}
