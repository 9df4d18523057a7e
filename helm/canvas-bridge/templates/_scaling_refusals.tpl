{{- define "canvas-bridge.scalingRefusals" -}}
{{- range $component := list "webhook" "sqs" "worker" -}}
{{- with index $.Values $component -}}
{{- if and .enabled .autoscaling.enabled -}}
{{- $scaling := .autoscaling -}}
{{- if gt (int64 $scaling.minReplicas) (int64 $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas is %v, more than its maxReplicas, %v. Lower the one or raise the other." $component $scaling.minReplicas $scaling.maxReplicas) -}}
{{- end -}}
{{- if $scaling.fallback -}}
{{- if gt (int64 $scaling.fallback.replicas) (int64 $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.fallback.replicas is %v, more than its maxReplicas, %v. Lower the one or raise the other." $component $scaling.fallback.replicas $scaling.maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- include (printf "canvas-bridge.%sScalingRefusals" $component) $ -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "canvas-bridge.webhookScalingRefusals" -}}
{{- with .Values.webhook -}}
{{- if .spool.enabled -}}
{{- fail "webhook.autoscaling.enabled and webhook.spool.enabled do not go together: a pod that is scaled away while Kafka is away leaves its spool on a claim that nobody drains. Set webhook.replicas to what your busiest hour needs, or do without the spool." -}}
{{- end -}}
{{- if not (dig "requests" "cpu" "" .resources) -}}
{{- fail "webhook.resources.requests.cpu is empty, but webhook.autoscaling.cpuPercent is a share of it. Set it." -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "canvas-bridge.sqsScalingRefusals" -}}
{{- with .Values.sqs -}}
{{- if and .queueUrl (not (include "canvas-bridge.sqsRegion" $)) -}}
{{- fail (printf "sqs.aws.region is empty and sqs.queueUrl, %s, does not tell it: KEDA needs it for sqs.autoscaling. Set it." .queueUrl) -}}
{{- end -}}
{{- if and .aws.credentialsSecret (eq .autoscaling.identity "workload") (not .autoscaling.credentialsSecret) -}}
{{- fail "sqs.autoscaling.credentialsSecret is empty, but the door has no role: it uses sqs.aws.credentialsSecret, a file that KEDA cannot read. Make a Secret with the keys aws_access_key_id and aws_secret_access_key and name it, or set sqs.autoscaling.identity to keda." -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "canvas-bridge.workerScalingRefusals" -}}
{{- $most := .Values.worker.autoscaling.maxReplicas -}}
{{- if gt (int64 $most) (int64 .Values.setup.partitions) -}}
{{- fail (printf "worker.autoscaling.maxReplicas is %v, but the topics have %v partitions (setup.partitions): a partition is read by one worker, so the pods beyond that would have no work. Lower it." $most .Values.setup.partitions) -}}
{{- end -}}
{{- end }}
