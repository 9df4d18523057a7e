"""One delivery, as the simulator hands it to a door."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What is in a delivery."""

    EVENT = "event"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A payload and the door it goes to.

    `event_name` and `event_time` are what Canvas adds as message attributes on SQS; None: left out.
    `flaw` names what is wrong with a malformed payload; `repeats`: another delivery says the same.
    """

    payload: bytes
    event_name: str | None
    event_time: str | None
    kind: Kind = Kind.EVENT
    door: int = 0
    flaw: str | None = None
    repeats: bool = False

    def again(self, payload: bytes) -> Self:
        """A repetition of this delivery at its own door."""
        return replace(self, payload=payload, repeats=True)
