{{/* Labels and annotations of a component's pods. Takes {root, component, port; settings}. */}}
{{- define "canvas-bridge.podMetadata" -}}
{{- $values := index .root.Values (default .component .settings) -}}
labels:
  {{- include "canvas-bridge.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := $values.podAnnotations }}
{{- if and .port .root.Values.metrics.annotations }}
{{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString .port) "prometheus.io/path" "/metrics" }}
{{- $annotations = merge (dict) $annotations $scrape }}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Everything of a pod's spec but containers and volumes. Takes {root, component; settings: the component whose
settings hold, account: the one whose service account it has; both are its own where they are not given}. */}}
{{- define "canvas-bridge.podSettings" -}}
{{- $values := index .root.Values (default .component .settings) -}}
serviceAccountName: {{ include "canvas-bridge.componentName" (dict "root" .root "component" (default .component .account)) }}
automountServiceAccountToken: false
# A Service called `kafka` would become variables called KAFKA_….
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "canvas-bridge.selectorLabels" $ | fromYaml)) }}
  {{- range . }}
  - {{- toYaml (ternary . (merge (dict) . $own) (hasKey . "labelSelector")) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Image, rights and resources of a container. Takes {root, component; settings}. */}}
{{- define "canvas-bridge.containerSettings" -}}
image: {{ include "canvas-bridge.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with (index .root.Values (default .component .settings)).resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Probes on the admin port. A slow start is not a dead program: liveness counts from the first answer on. */}}
{{- define "canvas-bridge.probes" -}}
startupProbe:
  httpGet: {path: /healthz/live, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 90
livenessProbe:
  httpGet: {path: /healthz/live, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /healthz/ready, port: admin}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{- define "canvas-bridge.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.existingSecret }}
- name: secrets
  mountPath: /run/secrets/canvas-bridge
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.existingSecret }}
- name: kafka-tls
  mountPath: /run/secrets/kafka-tls
  readOnly: true
{{- end }}
{{- if .Values.kafka.tls.clientSecret }}
- name: kafka-client-tls
  mountPath: /run/secrets/kafka-client-tls
  readOnly: true
{{- end }}
{{- if .Values.schemaRegistry.tls.existingSecret }}
- name: schema-registry-tls
  mountPath: /run/secrets/schema-registry-tls
  readOnly: true
{{- end }}
{{- end }}

{{- define "canvas-bridge.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- $secrets := dict
  "secrets" .Values.existingSecret
  "kafka-tls" .Values.kafka.tls.existingSecret
  "kafka-client-tls" .Values.kafka.tls.clientSecret
  "schema-registry-tls" .Values.schemaRegistry.tls.existingSecret }}
{{- range $volume, $secret := $secrets }}
{{- if $secret }}
- name: {{ $volume }}
  secret:
    secretName: {{ $secret }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end }}
