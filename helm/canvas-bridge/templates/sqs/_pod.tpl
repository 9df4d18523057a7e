{{/* What the door's pods have beside every pod's. */}}
{{- define "canvas-bridge.sqsMounts" -}}
{{- if .Values.sqs.aws.credentialsSecret -}}
- name: aws
  mountPath: /run/secrets/aws
  readOnly: true
{{- end -}}
{{- end }}

{{- define "canvas-bridge.sqsVolumes" -}}
{{- with .Values.sqs.aws.credentialsSecret -}}
- name: aws
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end -}}
{{- end }}

{{/* What they ask beside Kafka and a collector, as a YAML list. */}}
{{- define "canvas-bridge.sqsUrls" -}}
{{- compact (list .Values.sqs.queueUrl .Values.sqs.endpointUrl "https://sts.amazonaws.com") | toYaml -}}
{{- end }}
