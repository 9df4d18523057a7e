{{/* PROCESSORS_INSTANCE_ID is the pod's name: see statefulset.yaml. */}}
{{- define "canvas-bridge.workerVariables" -}}
{{- with .Values.worker -}}
PROCESSORS_ADMIN__HOST: 0.0.0.0
PROCESSORS_ADMIN__PORT: 9091
PROCESSORS_GROUP_ID: {{ .groupId | quote }}
PROCESSORS_DELIVERY: {{ .delivery | quote }}
PROCESSORS_BATCH_SIZE: {{ int64 .batchSize }}
PROCESSORS_SESSION_TIMEOUT_SECONDS: {{ .sessionTimeoutSeconds }}
PROCESSORS_DUPLICATE_WINDOW_SECONDS: {{ int64 .duplicateWindowSeconds }}
PROCESSORS_ROLLUPS: {{ .rollups }}
PROCESSORS_DATA_DIR: /var/lib/canvas-processors
{{- with .deadLetterLimit }}
PROCESSORS_DEAD_LETTER_LIMIT__SHARE: {{ .share }}
PROCESSORS_DEAD_LETTER_LIMIT__EVENTS: {{ int64 .events }}
PROCESSORS_DEAD_LETTER_LIMIT__MINIMUM: {{ int64 .minimum }}
PROCESSORS_DEAD_LETTER_LIMIT__IN_A_ROW: {{ int64 .inARow }}
{{- end }}
{{- if .privacy.policyConfigMap }}
PROCESSORS_PRIVACY__POLICY: {{ printf "/etc/canvas-bridge/privacy/%s" .privacy.policyKey | quote }}
{{- end }}
{{- end }}
{{- end }}
