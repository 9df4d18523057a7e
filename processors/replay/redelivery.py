"""One delivery that is in Kafka already, and what the stages make of it now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bridge.contract import Headers, Position, RawEvent, iso_time
from processors.failures import Failure
from processors.records import CanonicalEvent, Outcome, OutgoingRecord

FROM: Final = "canvas.replayed.from"  # topic/partition/offset of the record that was replayed
AT: Final = "canvas.replayed.at"  # ISO 8601
PATCH: Final = "canvas.replayed.patch"  # fingerprint of the patch file, where it changed the delivery


class Verdict(StrEnum):
    """What a replay does with one event."""

    REPLAYED = "replayed"
    THERE = "there already"
    REPEATED = "a repeat within this run"
    PENDING = "not yet processed by the workers"
    LATE = "come meanwhile"
    TOO_OLD = "too old for its topic"
    FAILING = "still failing"
    UNPATCHABLE = "not patchable"


@dataclass(frozen=True, slots=True)
class Redelivery:
    """`origin`: the record that was read. `outcomes`: of its events, those to be looked at.

    `patch`: the fingerprint of the patch that changed it, with the `changes` in words for a person;
    `problem`: why the patch cannot be applied, `pending`: the workers will come to it; then there are no
    outcomes.
    """

    origin: Position
    raw: RawEvent
    outcomes: Sequence[Outcome]
    patch: str | None = None
    changes: Sequence[str] = ()
    problem: str | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one event of a redelivery; `record` is what is written, where anything is."""

    redelivery: Redelivery
    verdict: Verdict
    record: OutgoingRecord | None = None
    event: CanonicalEvent | None = None
    failure: Failure | None = None


def stamped(redelivery: Redelivery, record: OutgoingRecord, now: int) -> OutgoingRecord:
    """The record with the headers that say it was replayed. `now`: milliseconds since the epoch."""
    patch = ((PATCH, redelivery.patch.encode()),) if redelivery.patch else ()
    lineage: Headers = ((FROM, str(redelivery.origin).encode()), (AT, iso_time(now).encode()), *patch)
    return replace(record, headers=record.headers + lineage)
