{{- define "canvas-bridge.sqsVariables" -}}
{{- with .Values.sqs -}}
BRIDGE_ADMIN__HOST: 0.0.0.0
BRIDGE_ADMIN__PORT: 9090
BRIDGE_SQS__QUEUE_URL: {{ .queueUrl | quote }}
BRIDGE_SQS__RECEIVERS: {{ int64 .receivers }}
BRIDGE_SQS__WAIT_SECONDS: {{ int64 .waitSeconds }}
BRIDGE_SQS__VISIBILITY_SECONDS: {{ int64 .visibilitySeconds }}
{{- with .endpointUrl }}
BRIDGE_SQS__ENDPOINT_URL: {{ . | quote }}
{{- end }}
{{- with .aws.region }}
AWS_DEFAULT_REGION: {{ . | quote }}
{{- end }}
{{- if .aws.credentialsSecret }}
AWS_SHARED_CREDENTIALS_FILE: /run/secrets/aws/credentials
{{- end }}
{{- end }}
{{- end }}
