"""Every metric of the processors. Label sets are closed or bounded: event names are those with a schema.

What a batch did is counted once Kafka has confirmed it, so a batch that is repeated counts once.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RAW: Final = Counter(
    "canvas_processors_raw_records_total",
    "Raw records processed; each ends as typed, unknown, dead-lettered or a duplicate.",
)
TYPED: Final = Counter(
    "canvas_processors_typed_records_total",
    "Records written to typed topics, by event name.",
    ["event_name"],
)
UNKNOWN: Final = Counter(
    "canvas_processors_unknown_records_total",
    "Events no schema knows, written to the unknown topic.",
)
DEAD_LETTERED: Final = Counter(
    "canvas_processors_dead_lettered_total",
    "Events that cannot be converted, written to the dead letter topic, by reason.",
    ["reason"],
)
DEAD_LETTER_SHARE: Final = Gauge(
    "canvas_processors_dead_letter_share",
    "Dead letters among the last events, 0 to 1: what the dead-letter limit looks at.",
)
DEAD_LETTER_LIMIT_REACHED: Final = Gauge(
    "canvas_processors_dead_letter_limit_reached",
    "1 while the worker holds a batch because the dead-letter limit is reached, else 0.",
)
UNACCOUNTED: Final = Gauge(
    "canvas_processors_unaccounted_records",
    "Raw records processed less those with a typed, unknown or dead-lettered event and the duplicates: "
    "must be 0, or something vanished.",
)
RAW_LAG: Final = Gauge(
    "canvas_processors_raw_lag_records",
    "Raw records of a partition of this worker that are not processed yet, looked up every 5 s; while Kafka "
    "is away, as last seen.",
    ["partition"],
)
RAW_OLDEST: Final = Gauge(
    "canvas_processors_raw_oldest_seconds",
    "Age of the oldest raw record of a partition that is not processed yet, since it was received; 0 where "
    "none waits.",
    ["partition"],
)
LAST_RECEIVED: Final = Gauge(
    "canvas_processors_last_received_timestamp_seconds",
    "When the last raw record that was processed had been received, Unix time.",
)
EVENT_AGE: Final = Histogram(
    "canvas_processors_event_age_seconds",
    "From the receipt of a batch's first raw record until Kafka confirmed what became of it.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
DUPLICATES: Final = Counter(
    "canvas_processors_duplicates_total",
    "Raw records dropped because their event_id was seen within the window.",
)
REMARKS: Final = Counter(
    "canvas_processors_remarks_total",
    "Converted events in which something was unusual, by what it was.",
    ["remark"],
)
DRIFT: Final = Counter(
    "canvas_processors_drift_total",
    "Typed records with a value in `extra`, by event name and JSON pointer (`*`: any index); after 500 pairs "
    "the pointer is `other`.",
    ["event_name", "pointer"],
)
WINDOW_KEYS: Final = Gauge(
    "canvas_processors_duplicate_window_keys",
    "Keys in the duplicate window, about 32 bytes each.",
)
BATCHES: Final = Counter(
    "canvas_processors_batches_total",
    "Batches of raw records that Kafka has confirmed.",
)
BATCH_SECONDS: Final = Histogram(
    "canvas_processors_batch_seconds",
    "From the first stage of a batch until Kafka confirmed its records and offsets.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
ABORTED_BATCHES: Final = Counter(
    "canvas_processors_aborted_batches_total",
    "Batches given up and read again: not taken by Kafka, a defect of a stage, or the dead-letter limit.",
    ["cause"],
)
ROLLUP_UPDATES: Final = Counter(
    "canvas_processors_rollup_updates_total",
    "Windows written to a rollup's topic.",
    ["rollup"],
)
ROLLUP_LEFT_OUT: Final = Counter(
    "canvas_processors_rollup_left_out_total",
    "Typed records a rollup does not count, by reason.",
    ["rollup", "reason"],
)
ROLLUP_RETRIES: Final = Counter(
    "canvas_processors_rollup_retries_total",
    "Typed records that a rollup had to take up again because Kafka or the registry did not answer.",
    ["rollup"],
)
ROLLUP_WINDOWS: Final = Gauge(
    "canvas_processors_rollup_windows",
    "Windows in the table of a rollup, on this worker.",
    ["rollup"],
)
ROLLUP_LAG: Final = Gauge(
    "canvas_processors_rollup_lag_records",
    "Typed records that a rollup on this worker has not committed yet, looked up every 5 s; while Kafka is "
    "away, as last seen.",
    ["rollup"],
)
ROLLUP_OLDEST: Final = Gauge(
    "canvas_processors_rollup_oldest_seconds",
    "Age of the oldest typed record that a rollup on this worker has not committed yet, since its event was "
    "received; 0 where none waits.",
    ["rollup"],
)
ROLLUP_RESTARTS: Final = Counter(
    "canvas_processors_rollup_restarts_total",
    "Times the rollups had to be started again.",
)
LAST_PROGRESS: Final = Gauge(
    "canvas_processors_last_progress_timestamp_seconds",
    "When the last batch was confirmed, Unix time.",
)

CATALOGUE: Final = (
    RAW,
    TYPED,
    UNKNOWN,
    DEAD_LETTERED,
    DEAD_LETTER_SHARE,
    DEAD_LETTER_LIMIT_REACHED,
    UNACCOUNTED,
    RAW_LAG,
    RAW_OLDEST,
    LAST_RECEIVED,
    EVENT_AGE,
    DUPLICATES,
    REMARKS,
    DRIFT,
    WINDOW_KEYS,
    BATCHES,
    BATCH_SECONDS,
    ABORTED_BATCHES,
    ROLLUP_UPDATES,
    ROLLUP_LEFT_OUT,
    ROLLUP_RETRIES,
    ROLLUP_WINDOWS,
    ROLLUP_LAG,
    ROLLUP_OLDEST,
    ROLLUP_RESTARTS,
    LAST_PROGRESS,
)
