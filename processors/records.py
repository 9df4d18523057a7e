"""What the stages hand to each other: a type per stage, so that a stage cannot be skipped."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.contract import Headers, RawEvent
from processors.failures import Failure

Json = Any
Extra = dict[str, str]


class SourceFormat(StrEnum):
    """The payload format Canvas used; the symbols of the Avro enum."""

    CANVAS_JSON = "CANVAS_JSON"
    CALIPER = "CALIPER"


class Remark(StrEnum):
    """What is worth counting about an event that was converted all the same; a metric label."""

    EXTRA = "extra"  # something no field takes was kept in `extra`
    TRUNCATED = "truncated"  # Canvas cut a text
    LOCAL_ID = "local_id"  # an id stayed local: its shard is not known
    SHARD_CONFLICT = "shard_conflict"  # context and root account lie on different shards
    NAME_CONFLICT = "name_conflict"  # the SQS attribute and the content name different events


@dataclass(frozen=True, slots=True)
class ValidEvent:
    """One event of a delivery: its envelope is understood, its fields are not yet typed.

    `event_name` is None for a Caliper event of Canvas that is none we know. `event_time` and
    `received_at` are milliseconds since the epoch, UTC; `event_time` is None only where the name is.
    `document` is the event in its own format (Canvas JSON: the whole payload; Caliper: `data[i]`), `pointer`
    where it stands in the payload, `envelope` what surrounds it (Caliper only), `payload` the JSON text that
    holds this event and no other.
    """

    event_id: str
    event_name: str | None
    event_time: int | None
    received_at: int
    source_format: SourceFormat
    document: dict[str, Json]
    pointer: str
    payload: bytes
    envelope: dict[str, Json] = field(default_factory=dict)
    remarks: frozenset[Remark] = frozenset()


@dataclass(frozen=True, slots=True)
class CanonicalEvent:
    """One event as its Avro record: `record` is what fastavro writes under the schema of `event_name`.

    An event that no schema knows has the `event_name` None here and a record of UnknownEvent. `unclaimed`:
    where the values of `extra` stand in the delivery, also once a privacy policy has taken them. `privacy`:
    what the header of that name says, None where there is no policy.
    """

    event_name: str | None
    key: str
    record: dict[str, Any]
    remarks: frozenset[Remark] = frozenset()
    unclaimed: tuple[str, ...] = ()
    privacy: bytes | None = None

    @property
    def event_id(self) -> str:
        """The deterministic id, a uuid."""
        return str(self.record["event_id"])


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One Kafka record ready to be produced; `timestamp` is milliseconds since the epoch."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp: int


@dataclass(slots=True)
class Outcome:
    """What became of one event of a delivery: a record (typed or unknown), or a failure."""

    raw: RawEvent
    outgoing: OutgoingRecord
    event: CanonicalEvent | None = None
    failure: Failure | None = None
