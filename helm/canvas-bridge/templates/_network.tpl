{{/* Port of a URL: its own, or that of its scheme. */}}
{{- define "canvas-bridge.urlPort" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end }}

{{/* Spec of a component's NetworkPolicy. Takes {root, component, ingress: list of rules, urls: of what its pods ask
beside Kafka; withoutKafka}. */}}
{{- define "canvas-bridge.networkPolicySpec" -}}
{{- $ports := list -}}
{{- if not .withoutKafka -}}
{{- range splitList "," .root.Values.kafka.bootstrapServers -}}
{{- $ports = append $ports (include "canvas-bridge.urlPort" (printf "kafka://%s" .)) -}}
{{- end -}}
{{- end -}}
{{- range .urls -}}
{{- $ports = append $ports (include "canvas-bridge.urlPort" .) -}}
{{- end -}}
podSelector:
  matchLabels:
    {{- include "canvas-bridge.selectorLabels" . | nindent 4 }}
policyTypes: [Ingress, Egress]
ingress: {{- if .ingress }}
  {{- toYaml .ingress | nindent 2 }}
  {{- else }} []
  {{- end }}
egress:
  # By port alone: where Kafka and the others are, only you know.
  - ports:
      - {protocol: UDP, port: 53}
      - {protocol: TCP, port: 53}
      {{- range $ports | uniq }}
      - {protocol: TCP, port: {{ . }}}
      {{- end }}
  {{- with .root.Values.networkPolicy.extraEgress }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* One ingress rule. Takes {port, from}. */}}
{{- define "canvas-bridge.ingressRule" -}}
ports:
  - {protocol: TCP, port: {{ .port }}}
{{- with .from }}
from:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
