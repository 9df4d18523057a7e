{{/* The pods of the webhook, for its Deployment and, with a spool, its StatefulSet. Takes {root, component, port}. */}}
{{- define "canvas-bridge.webhookTemplate" -}}
{{- $values := .root.Values.webhook }}
{{- $variables := list (include "canvas-bridge.kafkaVariables" .root) (include "canvas-bridge.webhookVariables" .root) (include "canvas-bridge.webhookDiskVariables" .root) (include "canvas-bridge.redactVariables" .root) (include "canvas-bridge.tracingVariables" .root) }}
{{- $environment := dict "component" "webhook" "variables" $variables "extra" $values.extraEnv -}}
metadata:
  {{- include "canvas-bridge.podMetadata" . | nindent 2 }}
spec:
  {{- include "canvas-bridge.podSettings" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
  containers:
    - name: webhook
      command: [canvas-bridge, webhook]
      {{- include "canvas-bridge.containerSettings" . | nindent 6 }}
      env:
        {{- include "canvas-bridge.environment" $environment | nindent 8 }}
      ports:
        - {name: {{ include "canvas-bridge.webhookPort" .root }}, containerPort: 8080}
        - {name: admin, containerPort: 9090}
      {{- include "canvas-bridge.probes" .root | nindent 6 }}
      # Until every node has heard that the pod is going, requests still come.
      lifecycle:
        preStop:
          {{- if $values.spool.enabled }}
          # Then what is spooled has time to reach Kafka.
          exec:
            command: [canvas-bridge, spool, status, --after, "5", --wait, {{ $values.spool.waitSeconds | toString | quote }}]
          {{- else }}
          sleep: {seconds: 5}
          {{- end }}
      volumeMounts:
        {{- include "canvas-bridge.mounts" .root | nindent 8 }}
        {{- if $values.tls.existingSecret }}
        - name: webhook-tls
          mountPath: /run/secrets/webhook-tls
          readOnly: true
        {{- end }}
        {{- if $values.spool.enabled }}
        - name: data
          mountPath: /var/lib/canvas-bridge
        {{- end }}
  volumes:
    {{- include "canvas-bridge.volumes" .root | nindent 4 }}
    {{- with $values.tls.existingSecret }}
    - name: webhook-tls
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
{{- end }}

{{/* Name of the webhook's port, of its pods and of its Service. */}}
{{- define "canvas-bridge.webhookPort" -}}
{{ ternary "https" "http" (not (empty .Values.webhook.tls.existingSecret)) }}
{{- end }}

{{/* Name of the Service that gives the pods of a webhook with a spool their names. */}}
{{- define "canvas-bridge.webhookPods" -}}
{{ include "canvas-bridge.componentName" (dict "root" . "component" "webhook") }}-pods
{{- end }}

{{/* What they ask beside Kafka and a collector, as a YAML list. */}}
{{- define "canvas-bridge.webhookUrls" -}}
{{- compact (list (ternary "" .Values.webhook.jwksUrl (eq .Values.webhook.accept "plain"))) | toYaml -}}
{{- end }}
