{{/* Whether a webhook with a spool may lose pods: as many stay as canvas-bridge.guardStays says. Empty: there is none.
The cluster is asked only where the values say that no pod has a spool: it may be that one had until now. */}}
{{- define "canvas-bridge.guarded" -}}
{{- $webhook := .Values.webhook -}}
{{- if $webhook.spool.guard -}}
{{- if and $webhook.enabled $webhook.spool.enabled -}}
yes
{{- else if lookup "apps/v1" "StatefulSet" .Release.Namespace (include "canvas-bridge.componentName" (dict "root" . "component" "webhook")) -}}
yes
{{- end -}}
{{- end -}}
{{- end }}

{{- define "canvas-bridge.guardStays" -}}
{{- with .Values.webhook -}}
{{- ternary (int .replicas) 0 (and .enabled .spool.enabled) -}}
{{- end -}}
{{- end }}

{{/* The command of the guard, as a YAML list. */}}
{{- define "canvas-bridge.guardCommand" -}}
{{- $webhook := include "canvas-bridge.componentName" (dict "root" . "component" "webhook") -}}
{{- $service := include "canvas-bridge.webhookPods" . -}}
{{- $command := list "canvas-bridge" "spool" "leaving" "--wait" (toString .Values.webhook.spool.waitSeconds) "--service" $service -}}
{{- range $ordinal := until (include "canvas-bridge.guardStays" . | int) -}}
{{- $command = concat $command (list "--stays" (printf "%s-%d.%s" $webhook $ordinal $service)) -}}
{{- end -}}
{{- toYaml $command -}}
{{- end }}
