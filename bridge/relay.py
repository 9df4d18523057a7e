"""Publish, then acknowledge: the only place where that order lives."""

import time
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import TracebackType
from typing import Protocol, Self, TypeVar

from prometheus_client import Counter, Histogram

from bridge.contract import (
    CE_ID,
    CE_SOURCE,
    CE_SPECVERSION,
    CE_TIME,
    CE_TYPE,
    CONTENT_TYPE,
    RAW_TYPE,
    Headers,
    RawEvent,
    iso_time,
)
from bridge.identity import event_id
from bridge.ingress.base import Delivery, DoorName, Overloaded
from bridge.metrics import IN_FLIGHT_BYTES, PUBLISH_SECONDS, REDACTED, STORED
from bridge.redact import NAMES, SecretNames, redact

Acknowledged = TypeVar("Acknowledged")


class Publishing(Protocol):
    """The part of `bridge.kafka.Publisher` the relay stands on."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        """Returns once the record is stored; raises NotStored where that is not certain."""


class Room:
    """What one delivery, or one batch, occupies of the bound; given back when the `with` block ends."""

    __slots__ = ("_relay", "_size")

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._size = 0

    def grow(self, size: int) -> None:
        """Takes `size` more bytes. Raises Overloaded where the bound would be passed."""
        self._relay.occupy(size)
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay.occupy(-self._size)


class Relay:
    """Carries deliveries from a door to the raw topic."""

    def __init__(
        self, publisher: Publishing, topic: str, max_in_flight_bytes: int, names: SecretNames = NAMES
    ) -> None:
        self._publisher = publisher
        self._names = names
        self._topic = topic
        self._free = max_in_flight_bytes
        IN_FLIGHT_BYTES.set_function(lambda: max_in_flight_bytes - self._free)

    def room(self) -> Room:
        """A place under the bound on bytes in flight. A door holds bytes only inside one."""
        return Room(self)

    def occupy(self, size: int) -> None:
        """Takes bytes off the bound (gives them back where negative). Raises Overloaded."""
        if size > self._free:
            raise Overloaded
        self._free -= size

    async def take(self, delivery: Delivery, acknowledge: Callable[[], Acknowledged]) -> Acknowledged:
        """Stores the delivery, then calls `acknowledge` and returns what it returns.

        Raises NotStored, without acknowledging, where Kafka did not confirm the record.
        """
        event = raw_event(delivery, self._names)
        seconds, stored, redacted = _meters(delivery.door)
        is_redacted = event.value is not delivery.value
        del delivery  # its document takes several times the bytes that are bounded
        began = time.perf_counter()
        try:
            await self._publisher.publish(
                self._topic, event.key or b"", event.value, event.headers, event.received_at
            )
        finally:
            seconds.observe(time.perf_counter() - began)
        stored.inc()
        if is_redacted:
            redacted.inc()
        return acknowledge()


@cache
def _meters(door: DoorName) -> tuple[Histogram, Counter, Counter]:
    return PUBLISH_SECONDS.labels(door), STORED.labels(door), REDACTED.labels(door)


def raw_event(delivery: Delivery, names: SecretNames = NAMES) -> RawEvent:
    """The record of a delivery: its bytes but for secrets in them, a CloudEvent in binary mode around them.

    The event_id is of the redacted bytes: it must not tell one secret from another, and is what the
    processors find who read no others.
    """
    value = redact(delivery.value, names)
    document = delivery.document if value is delivery.value else None
    identity = event_id(value, document).encode()
    headers: Headers = (
        *_stamp(delivery.door, delivery.received_at),
        (CE_ID, identity),
        *delivery.provenance,
    )
    if delivery.attributes:
        headers += _redacted(delivery.attributes, names)
    return RawEvent(value, identity, headers, delivery.received_at)


@lru_cache(maxsize=16)
def _stamp(door: DoorName, received_at: int) -> Headers:
    # Under load a dozen records are of one millisecond.
    return (
        (CE_SPECVERSION, b"1.0"),
        (CE_TYPE, RAW_TYPE.encode()),
        (CE_SOURCE, f"/canvas-bridge/{door}".encode()),
        (CE_TIME, iso_time(received_at).encode()),
        (CONTENT_TYPE, b"application/json"),
    )


def _redacted(attributes: Mapping[str, str], names: SecretNames) -> Headers:
    # They come from outside: a lone surrogate in one must not cost the event.
    return tuple(
        (name, redact(text.encode("utf-8", "surrogatepass"), names)) for name, text in attributes.items()
    )
