"""A spool between a delivery and a Kafka in memory."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.contract import Headers, RawEvent
from bridge.door_settings import SpoolSettings
from bridge.ingress.base import now
from bridge.spool.spool import Spool
from bridge.spool.spooling import Spooling
from bridge.spool.store import Store
from tests.unit.doors import MemoryKafka

HEADERS = (("ce_id", b"1"), ("canvas.event_name", b"course\xed\xa0\x80"), ("ce_id", bytes(range(256))))


class ToldKafka(MemoryKafka):
    """Remembers whatever it was asked to store, confirmed or not."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: list[bytes] = []

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        self.offered.append(value)
        await super().publish(topic, key, value, headers, timestamp)


def record(number: int, size: int = 0, received_at: int | None = None) -> RawEvent:
    """A record no other is equal to; received just now unless said otherwise."""
    moment = now() if received_at is None else received_at
    return RawEvent(b"%d" % number + b"." * size, b"key %d" % number, HEADERS, moment)


def spool_settings(**more: Any) -> SpoolSettings:
    return SpoolSettings(**{"kafka_seconds": 0.05, "drain_seconds": 0, **more})


def left_in(directory: Path) -> list[RawEvent]:
    """What a store holds that nobody works on."""
    store = Store(directory)
    try:
        return [entry.event for entry in store.head(0, 1_000_000, 1 << 40)]
    finally:
        store.close()


def fill(directory: Path, events: Sequence[RawEvent]) -> None:
    """As a run before has left it."""
    store = Store(directory)
    store.append(events)
    store.close()


@dataclass
class Site:
    """Publishes records, and has what became of them."""

    kafka: ToldKafka
    spool: Spool
    spooling: Spooling

    async def publish(self, event: RawEvent) -> None:
        await self.spooling.publish(
            "canvas.raw", event.key or b"", event.value, event.headers, event.received_at
        )


@asynccontextmanager
async def spool_site(
    directory: Path, kafka: ToldKafka | None = None, clock: Callable[[], int] = now, **more: Any
) -> AsyncIterator[Site]:
    settings = spool_settings(**more)
    kafka, spool = kafka or ToldKafka(), Spool(directory, settings, clock)
    async with Spooling(kafka, "canvas.raw", spool, settings) as spooling:
        yield Site(kafka, spool, spooling)
