"""Every metric of the bridge. All label sets are closed: no label comes from a payload."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RECEIVED: Final = Counter(
    "canvas_bridge_received_total",
    "Deliveries that came to a door; each ends as stored or refused.",
    ["door"],
)
STORED: Final = Counter(
    "canvas_bridge_stored_total",
    "Deliveries Kafka has confirmed; only these are acknowledged.",
    ["door"],
)
REFUSED: Final = Counter(
    "canvas_bridge_refused_total",
    "Deliveries, or attempts to store one, that were not acknowledged, by reason.",
    ["door", "reason"],
)
PUBLISH_SECONDS: Final = Histogram(
    "canvas_bridge_publish_seconds",
    "From handing a record to the producer until Kafka confirmed or refused it.",
    ["door"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
IN_FLIGHT_BYTES: Final = Gauge(
    "canvas_bridge_in_flight_bytes",
    "Bytes of deliveries in memory, from the first byte read until the answer.",
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
SQS_ERRORS: Final = Counter(
    "canvas_bridge_sqs_errors_total",
    "Calls to SQS that failed, and messages of a batch call that did, by call (receive, delete, extend).",
    ["call"],
)

CATALOGUE: Final = (
    RECEIVED,
    STORED,
    REFUSED,
    PUBLISH_SECONDS,
    IN_FLIGHT_BYTES,
    JWKS_FETCHES,
    JWKS_KEYS,
    SQS_ERRORS,
)
