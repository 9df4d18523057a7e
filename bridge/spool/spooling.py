"""Stores a record with Kafka or, where that takes too long, in the spool: the relay cannot tell which.

- Kafka has `kafka_seconds` to confirm; then the record goes to the spool. Kafka may still write what was
  given up: a duplicate of the same event_id, which the processors drop.
- While anything waits in the spool, everything goes through it. So the order of arrival is kept (and with it
  the order of record times, on which the processors' window for duplicates stands), an outage costs each
  delivery one fsync instead of a wait, and what librdkafka holds is one batch of the drain.
- While the disk fails, or the spool is at its bounds with Kafka back, deliveries go to Kafka directly; and
  while Kafka fails as well, one at a time asks it and the others are refused without a wait.
"""

import asyncio
import logging
import time
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from bridge.contract import Headers, RawEvent
from bridge.door_settings import SpoolSettings
from bridge.kafka import NotStored, Unacceptable
from bridge.rate_limit import RateLimit
from bridge.relay import Publishing
from bridge.spool.drain import Drain
from bridge.spool.spool import Spool
from bridge.status import STATUS

AWAY_SECONDS: Final = 30.0  # for so long a failure is news; then the next delivery asks again

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Spooling:
    """A Publishing with two ways to be stored. Use as a context: the spool is open and drained inside it."""

    def __init__(self, kafka: Publishing, topic: str, spool: Spool, settings: SpoolSettings) -> None:
        """`topic`: where all records go, those too that were spooled under another name of it."""
        self._kafka = kafka
        self._topic = topic
        self._spool = spool
        self._settings = settings
        self._drain = Drain(spool, self._publish)
        self._clock = time.monotonic
        self._away_until = 0.0
        self._asking = 0

    async def __aenter__(self) -> Self:
        await self._spool.__aenter__()
        if self._spool.records:
            self._found_away()  # until the drain has found out
            log.warning("%d records of an earlier run are in the spool: draining them", self._spool.records)
        STATUS.tell("spool", self.report)
        self._draining = asyncio.create_task(self._drain.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes on draining for at most `drain_seconds`, then closes the store."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_seconds):
                await self._spool.emptied.wait()
        self._draining.cancel()
        await asyncio.wait([self._draining])
        if self._spool.records:
            log.warning("%d records stay in the spool for the next start", self._spool.records)
        await self._spool.__aexit__(kind, error, trace)

    def ready(self) -> bool:
        """Whether a delivery can be stored, as far as is known. Safe to ask from another thread."""
        takes = self._spool.trouble is None and self._spool.refusal() is None
        return takes or not self._away

    def report(self) -> dict[str, object]:
        """What /status says of it."""
        return {
            "records": self._spool.records,
            "waiting": self._spool.waiting,
            "oldest_seconds": self._spool.oldest_seconds(),
            "kafka_away": self._away,
            "disk_trouble": self._spool.trouble,
            "refuses_because": self._spool.refusal(),
        }

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        """Stores one record. Raises NotStored where neither Kafka nor the disk takes it."""
        event = RawEvent(value, key, headers, timestamp)
        if self._spool_first():
            await self._spool.put(event)
            return
        try:
            await self._ask_kafka(event)
        except Unacceptable:  # it could never leave the spool
            raise
        except NotStored as error:
            log.warning("Kafka does not take records, they go to the spool: %s", error)
            await self._spool.put(event)

    def _spool_first(self) -> bool:
        if not self._spool.waiting or self._spool.trouble:
            return False
        return self._away or self._spool.refusal() is None

    async def _ask_kafka(self, event: RawEvent) -> None:
        if self._away and self._asking:
            raise NotStored("Kafka is away")
        self._asking += 1
        try:
            async with asyncio.timeout(self._settings.kafka_seconds):
                await self._publish(event)
        except TimeoutError:
            self._found_away()
            raise NotStored(f"not confirmed within {self._settings.kafka_seconds} s") from None
        finally:
            self._asking -= 1

    async def _publish(self, event: RawEvent) -> None:
        key = event.key or b""
        try:
            await self._kafka.publish(self._topic, key, event.value, event.headers, event.received_at)
        except Unacceptable:
            raise
        except NotStored:
            self._found_away()
            raise
        self._away_until = 0.0

    @property
    def _away(self) -> bool:
        return self._clock() < self._away_until

    def _found_away(self) -> None:
        self._away_until = self._clock() + AWAY_SECONDS
