{{/* `helm test`: a pod that asks what a component's pods ask, and the policy that lets it. Takes {root, component,
environment, mounts and volumes: lists of further ones, urls: what it asks beside Kafka, commands: the last is the
container, those before it run first}. Its settings are the setup's, its service account is the component's. */}}
{{- define "canvas-bridge.test" -}}
{{- $this := dict "root" .root "component" (printf "%s-test" .component) "settings" "setup" "account" .component -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "canvas-bridge.metadata" $this | nindent 2 }}
  annotations:
    helm.sh/hook: test
    # It stays, so that its log can be read.
    helm.sh/hook-delete-policy: before-hook-creation
    helm.sh/hook-output-log-policy: hook-failed
spec:
  {{- include "canvas-bridge.podSettings" $this | nindent 2 }}
  restartPolicy: Never
  activeDeadlineSeconds: {{ .root.Values.setup.activeDeadlineSeconds }}
  {{- range $kind, $commands := dict "initContainers" (initial .commands) "containers" (list (last .commands)) }}
  {{- with $commands }}
  {{ $kind }}:
    {{- range . }}
    - name: {{ slice . 1 3 | join "-" }}
      command: {{ toJson . }}
      {{- include "canvas-bridge.containerSettings" $this | nindent 6 }}
      env:
        {{- $.environment | nindent 8 }}
      volumeMounts:
        {{- include "canvas-bridge.mounts" $.root | nindent 8 }}
        {{- with $.mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- end }}
  {{- end }}
  {{- end }}
  volumes:
    {{- include "canvas-bridge.volumes" .root | nindent 4 }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "canvas-bridge.metadata" $this | nindent 2 }}
spec:
  {{- include "canvas-bridge.networkPolicySpec" (merge (dict "ingress" list "urls" .urls) $this) | nindent 2 }}
{{- end }}
{{- end }}
