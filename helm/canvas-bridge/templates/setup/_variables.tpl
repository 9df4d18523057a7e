{{- define "canvas-bridge.setupVariables" -}}
{{- /* The topics of the rollups' tables are named after the group. */ -}}
PROCESSORS_GROUP_ID: {{ .Values.worker.groupId | quote }}
{{- with .Values.setup }}
PROCESSORS_TOPICS__PARTITIONS: {{ int64 .partitions }}
PROCESSORS_TOPICS__REPLICATION_FACTOR: {{ int64 .replicationFactor }}
PROCESSORS_TOPICS__RAW_RETENTION_HOURS: {{ int64 .rawRetentionHours }}
PROCESSORS_TOPICS__TYPED_RETENTION_HOURS: {{ int64 .typedRetentionHours }}
PROCESSORS_TOPICS__DEAD_LETTER_RETENTION_HOURS: {{ int64 .deadLetterRetentionHours }}
{{- end }}
{{- end }}
