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
{{- end }}
{{- end }}
