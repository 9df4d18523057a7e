"""What crosses the raw topic: the one agreement between the bridge and the processors."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

Headers = tuple[tuple[str, bytes], ...]

# CloudEvents 1.0, Kafka protocol binding, binary content mode.
CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CONTENT_TYPE: Final = "content-type"

# W3C Trace Context, level 1. Present only while traces are on (bridge/tracing.py).
TRACEPARENT: Final = "traceparent"

# Ours. Present only where the door knows them.
EVENT_NAME: Final = "canvas.event_name"  # SQS attribute `event_name`
EVENT_TIME: Final = "canvas.event_time"  # SQS attribute `event_time`
SQS_MESSAGE_ID: Final = "canvas.sqs.message_id"
SIGNATURE_KID: Final = "canvas.signature.kid"
SIGNATURE_ALG: Final = "canvas.signature.alg"
SIGNATURE_THUMBPRINT: Final = "canvas.signature.key_thumbprint"  # of the key, RFC 7638, SHA-256, base64url
SIGNATURE_VERIFIED_AT: Final = "canvas.signature.verified_at"

RAW_TYPE: Final = "com.instructure.canvas.live_event"


class Position(NamedTuple):
    """Where a record lies in Kafka. Its text, `topic/partition/offset`, is the lineage header."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class RawEvent(NamedTuple):
    """One delivery of Canvas, as it lies on the raw topic.

    `value` is Canvas's own JSON (of a signed delivery: the token's payload), `key` the event_id,
    `received_at` milliseconds since the epoch, UTC: the Kafka timestamp of the record.
    """

    value: bytes
    key: bytes | None
    headers: Headers
    received_at: int
    position: Position | None = None

    def header(self, name: str) -> str | None:
        """The last header of that name as text, None where there is none (a null value counts as none)."""
        for key, value in reversed(self.headers):
            if key == name and value is not None:
                return value.decode("utf-8", "replace")
        return None


def iso_time(milliseconds: int) -> str:
    """Milliseconds since the epoch as ISO 8601, UTC, e.g. `2026-03-01T09:30:00.125Z`."""
    return f"{_iso_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=64)
def _iso_second(seconds: int) -> str:
    # Most records are of the second of those before them.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
