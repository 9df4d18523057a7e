{{/* One pod at a time, and not before the load has been low for a while. Takes a component's autoscaling. */}}
{{- define "canvas-bridge.scaleDown" -}}
stabilizationWindowSeconds: {{ .scaleDownSeconds }}
policies:
  - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}

{{/* Spec of a KEDA ScaledObject. Takes {root, component, kind: of the workload, trigger}. */}}
{{- define "canvas-bridge.scaledObjectSpec" -}}
{{- $name := include "canvas-bridge.componentName" . -}}
{{- with (index .root.Values .component).autoscaling -}}
scaleTargetRef:
  apiVersion: apps/v1
  kind: {{ $.kind }}
  name: {{ $name }}
  envSourceContainerName: {{ $.component }}
minReplicaCount: {{ .minReplicas }}
maxReplicaCount: {{ .maxReplicas }}
pollingInterval: {{ .pollingSeconds }}
cooldownPeriod: {{ .scaleDownSeconds }}
# When KEDA cannot measure: more pods than needed do no harm, fewer would.
fallback:
  failureThreshold: {{ .fallback.failures }}
  replicas: {{ .fallback.replicas }}
  behavior: currentReplicasIfHigher
advanced:
  horizontalPodAutoscalerConfig:
    name: {{ $name }}
    behavior:
      scaleDown:
        {{- include "canvas-bridge.scaleDown" . | nindent 8 }}
triggers:
  - {{- toYaml $.trigger | nindent 4 }}
{{- end }}
{{- end }}

{{/* Number of a component's pods, for people. Takes the component's values. */}}
{{- define "canvas-bridge.howMany" -}}
{{- if .autoscaling.enabled -}}
{{ .autoscaling.minReplicas }} to {{ .autoscaling.maxReplicas }}
{{- else -}}
{{ .replicas }}
{{- end -}}
{{- end }}
