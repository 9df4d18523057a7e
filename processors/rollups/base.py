"""What a rollup is: how typed records become states, how states join, and what of a window is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

Record = Mapping[str, Any]
State = dict[str, Any]


class LeftOut(StrEnum):
    """Why a rollup does not count a typed record; a metric label."""

    LATE = "late"  # older than the rollup's retention when it was received
    NO_ID = "no_id"  # Canvas gave no course or no student
    NO_PROGRESS = "no_progress"  # Canvas gave an error in place of the counts
    UNREADABLE = "unreadable"  # the value is not Avro in the registry's wire format


class NotCounted(Exception):
    """A typed record that a rollup leaves out."""

    def __init__(self, reason: LeftOut) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Observation:
    """What one typed record says of one key: a state like any other, and the event's time in milliseconds."""

    key: str
    time: int
    state: State


class Rollup(Protocol):
    """A member of the family.

    States are JSON objects, for a table keeps them as such. `join` is commutative, associative and
    idempotent: so neither the order of events nor a repeat changes a window.
    """

    @property
    def name(self) -> str:
        """The topic is `<prefix>rollup.<name>`, the schema avro/rollups/<name>.avsc."""

    @property
    def sources(self) -> Sequence[str]:
        """The event names it is made of."""

    @property
    def window(self) -> timedelta:
        """Length of a window; windows begin at multiples of it since the epoch, UTC."""

    @property
    def retention(self) -> timedelta:
        """An event that was received later than so long after it happened is left out."""

    def observe(self, record: Record) -> Observation:
        """What a typed record (plain values, times in milliseconds) says. Raises NotCounted."""

    def join(self, left: State, right: State) -> State:
        """The state that knows both."""

    def publish(self, state: State, start: int, end: int) -> dict[str, Any]:
        """The Avro record of a window, from `start` inclusive to `end` exclusive, milliseconds."""
