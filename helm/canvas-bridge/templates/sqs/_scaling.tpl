{{/* Region of the queue: as set, or as AWS's URLs say it; empty where neither does. */}}
{{- define "canvas-bridge.sqsRegion" -}}
{{- with .Values.sqs -}}
{{- $told := regexFind "^https://sqs[.][a-z0-9-]+[.]amazonaws[.]com" .queueUrl | trimPrefix "https://sqs." -}}
{{- default ($told | trimSuffix ".amazonaws.com") .aws.region -}}
{{- end -}}
{{- end }}

{{/* KEDA's trigger: so many messages for each pod. */}}
{{- define "canvas-bridge.sqsTrigger" -}}
type: aws-sqs-queue
metadata:
  queueURL: {{ .Values.sqs.queueUrl | quote }}
  queueLength: {{ .Values.sqs.autoscaling.messages | quote }}
  awsRegion: {{ include "canvas-bridge.sqsRegion" . | quote }}
  {{- with .Values.sqs.endpointUrl }}
  awsEndpoint: {{ . | quote }}
  {{- end }}
authenticationRef:
  name: {{ include "canvas-bridge.componentName" (dict "root" . "component" "sqs") }}
{{- end }}
