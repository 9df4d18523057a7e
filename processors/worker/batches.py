"""What the raw source hands to the agent: a batch of raw records, and whose assignment it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bridge.contract import RawEvent


class Sighting(NamedTuple):
    """A raw record as the duplicate window knows it; `timestamp` is its Kafka timestamp, milliseconds."""

    partition: int
    offset: int
    key: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive raw records of the partitions this worker holds.

    `epoch` changes whenever the assignment does or reading goes back, `number` counts the batches of an
    epoch from 0: together they show a batch that is no longer ours, or that got lost on its way.
    `history` lies below the committed offset and only feeds the duplicate window; `live` is to be
    processed. `ends` maps a partition to the offset after its last record here; `commits` is the part of
    it that is to be committed. `group` is the group's metadata when the batch was read (librdkafka's
    own, opaque): a commit with it is refused once the group has moved on.
    """

    topic: str
    epoch: int
    number: int
    history: Sequence[Sighting]
    live: Sequence[RawEvent]
    ends: Mapping[int, int]
    commits: Mapping[int, int]
    group: Any
