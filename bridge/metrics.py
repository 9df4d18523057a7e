"""Every metric of the bridge. All label sets are closed: no label comes from a payload."""

from typing import Final

from prometheus_client import Counter, Gauge

from bridge.loop_metrics import LoopCounter, LoopHistogram

RECEIVED: Final = LoopCounter(
    "canvas_bridge_received_total",
    "Deliveries that came to a door; each ends as stored or refused.",
    ["door"],
)
STORED: Final = LoopCounter(
    "canvas_bridge_stored_total",
    "Deliveries that Kafka or the spool has confirmed; only these are acknowledged.",
    ["door"],
)
REFUSED: Final = Counter(
    "canvas_bridge_refused_total",
    "Deliveries, or attempts to store one, that were not acknowledged, by reason.",
    ["door", "reason"],
)
PUBLISH_SECONDS: Final = LoopHistogram(
    "canvas_bridge_publish_seconds",
    "From handing a record over until Kafka, or the spool after it, has confirmed or refused it.",
    ["door"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
IN_FLIGHT_BYTES: Final = Gauge(
    "canvas_bridge_in_flight_bytes",
    "Bytes of deliveries in memory, from the first byte read until the answer.",
)
REDACTED: Final = LoopCounter(
    "canvas_bridge_redacted_total",
    "Stored deliveries in whose URLs secrets were masked.",
    ["door"],
)
JWKS_FETCHES: Final = Counter(
    "canvas_bridge_jwks_fetches_total",
    "Attempts to fetch Canvas's public keys, by outcome (success, failure).",
    ["outcome"],
)
JWKS_KEYS: Final = Gauge(
    "canvas_bridge_jwks_keys",
    "Public keys at hand.",
)
CONNECTIONS: Final = Gauge(
    "canvas_bridge_connections",
    "Open connections of the webhook.",
)
CONNECTIONS_REFUSED: Final = Counter(
    "canvas_bridge_connections_refused_total",
    "Connections of the webhook that were ended before a request came of them, by reason.",
    ["reason"],
)
CERTIFICATE_EXPIRES: Final = Gauge(
    "canvas_bridge_certificate_expires_timestamp_seconds",
    "When the certificate of the webhook's own TLS expires, seconds since the epoch; 0 without one.",
)
SQS_ERRORS: Final = Counter(
    "canvas_bridge_sqs_errors_total",
    "Calls to SQS that failed, and messages of a batch call that did, by call (receive, delete, extend).",
    ["call"],
)

BUDGET_USED: Final = Gauge(
    "canvas_bridge_delivery_budget_used",
    "Answers of the last 24 h that Canvas may count against the subscription, by kind (timeout, failure); "
    "add the replicas up with sum by (kind).",
    ["kind"],
)
BUDGET_LIMIT: Final = Gauge(
    "canvas_bridge_delivery_budget_limit",
    "Of how many such answers in 24 h Canvas switches the subscription off, about, by kind.",
    ["kind"],
)
BUDGET_SHARE: Final = Gauge(
    "canvas_bridge_delivery_budget_share",
    "Used part of the limit by this process alone, 1 being all of it, by kind.",
    ["kind"],
)

SPOOLED: Final = Counter(
    "canvas_bridge_spooled_total",
    "Records accepted into the spool because Kafka did not take them in time.",
)
SPOOL_DRAINED: Final = Counter(
    "canvas_bridge_spool_drained_total",
    "Records of the spool that Kafka has confirmed.",
)
SPOOL_RECORDS: Final = Gauge(
    "canvas_bridge_spool_records",
    "Records in the spool; while there are any, the process and its disk must stay.",
)
SPOOL_REFUSED_RECORDS: Final = Gauge(
    "canvas_bridge_spool_refused_records",
    "Those of them that Kafka refuses for good, and that are offered again at the next start.",
)
SPOOL_BYTES: Final = Gauge(
    "canvas_bridge_spool_bytes",
    "Bytes of disk the records in the spool take.",
)
SPOOL_OLDEST_SECONDS: Final = Gauge(
    "canvas_bridge_spool_oldest_seconds",
    "Age of the oldest record in the spool, since it was received; 0 where there is none.",
)
SPOOL_LIMIT_BYTES: Final = Gauge(
    "canvas_bridge_spool_limit_bytes",
    "Bytes the records in the spool may take; 0 without a spool.",
)
SPOOL_LIMIT_SECONDS: Final = Gauge(
    "canvas_bridge_spool_limit_seconds",
    "Age of the oldest record above which the spool takes no more; 0 without a spool.",
)
SPOOL_ERRORS: Final = Counter(
    "canvas_bridge_spool_errors_total",
    "Refusals of the spool's disk, by call (write, read, delete).",
    ["call"],
)

CATALOGUE: Final = (
    RECEIVED,
    STORED,
    REFUSED,
    PUBLISH_SECONDS,
    IN_FLIGHT_BYTES,
    REDACTED,
    JWKS_FETCHES,
    JWKS_KEYS,
    CONNECTIONS,
    CONNECTIONS_REFUSED,
    CERTIFICATE_EXPIRES,
    SQS_ERRORS,
    BUDGET_USED,
    BUDGET_LIMIT,
    BUDGET_SHARE,
    SPOOLED,
    SPOOL_DRAINED,
    SPOOL_RECORDS,
    SPOOL_REFUSED_RECORDS,
    SPOOL_BYTES,
    SPOOL_OLDEST_SECONDS,
    SPOOL_LIMIT_BYTES,
    SPOOL_LIMIT_SECONDS,
    SPOOL_ERRORS,
)
