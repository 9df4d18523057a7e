"""The worker: a Faust app whose hot hop is fed by librdkafka; `command` is its front."""
