{{/* Prefix of every name. 44 characters leave room for the component and a StatefulSet's revision hash (63 in all). */}}
{{- define "canvas-bridge.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 44 | trimSuffix "-" -}}
{{- end }}

{{/* Name of a component's objects. Takes {root, component}. */}}
{{- define "canvas-bridge.componentName" -}}
{{ include "canvas-bridge.fullname" .root }}-{{ .component }}
{{- end }}

{{/* What selects a component's pods; may never change in a release's life. Takes {root, component}. */}}
{{- define "canvas-bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of every object. Takes {root, component}. */}}
{{- define "canvas-bridge.labels" -}}
{{ include "canvas-bridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: canvas-bridge
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name, namespace and labels of an object. Takes {root, component}. */}}
{{- define "canvas-bridge.metadata" -}}
name: {{ include "canvas-bridge.componentName" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "canvas-bridge.labels" . | nindent 2 }}
{{- end }}

{{- define "canvas-bridge.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end }}
