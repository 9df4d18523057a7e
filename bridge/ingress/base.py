"""What a door is, what it hands over, and the closed set of reasons it refuses for."""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from bridge.contract import Headers

if TYPE_CHECKING:
    from bridge.relay import Relay

DoorName = Literal["webhook", "sqs"]

Refusal = Literal[
    "algorithm",
    "body_broken",
    "body_timeout",
    "expired",
    "header",
    "internal",
    "issuer",
    "keys_unavailable",
    "method",
    "not_a_token",
    "not_stored",
    "not_yet_valid",
    "overloaded",
    "path",
    "root_account",
    "secret",
    "signature",
    "too_large",
    "unknown_key",
]


class Refused(Exception):
    """A delivery is not taken. `reason` is a metric label and a row of the door's table of answers."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason: Refusal = reason


class Overloaded(Refused):
    """More bytes are in flight than may be: refused now, rather than held in unbounded memory."""

    def __init__(self) -> None:
        super().__init__("overloaded")


class DoorBroken(Exception):
    """The door cannot work until somebody changes something; the message says what."""


class Delivery(NamedTuple):
    """One delivery, authenticated and unwrapped.

    `value` is Canvas's own JSON, whatever it holds. `received_at` is milliseconds since the epoch, UTC.
    `attributes` is what came beside the body, by header name of `bridge.contract`; `provenance` is what the
    door itself found out, as headers. `document` is what `value` holds, where the door has read it.
    """

    door: DoorName
    value: bytes
    received_at: int
    attributes: Mapping[str, str] = MappingProxyType({})
    provenance: Headers = ()
    document: Any = None


def now() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class Door(Protocol):
    """One way in."""

    name: DoorName

    @property
    def max_in_flight_bytes(self) -> int:
        """Bytes of deliveries the door may hold at a time."""

    async def serve(self, relay: "Relay", stopping: asyncio.Event) -> None:
        """Takes deliveries until `stopping`, then finishes those in hand. Raises DoorBroken."""

    def live(self) -> bool:
        """Whether the work loop makes progress; says nothing about Kafka or Canvas."""

    def ready(self) -> bool:
        """Whether deliveries are taken now."""
