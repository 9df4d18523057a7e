"""Carries the spool into Kafka, in order of arrival: a record leaves only by Kafka's confirmation."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NoReturn

from bridge.contract import RawEvent
from bridge.ingress.backoff import Backoff
from bridge.kafka import NotStored, Unacceptable
from bridge.metrics import SPOOL_DRAINED
from bridge.rate_limit import RateLimit
from bridge.spool.spool import Spool, SpoolTrouble
from bridge.spool.store import Entry
from bridge.telemetry import where_raised

MOST_RECORDS: Final = 500  # at a time: the event loop has others to serve

Publish = Callable[[RawEvent], Awaitable[None]]

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Drain:
    """Publishes the head of the spool again and again.

    After a failure one record asks whether Kafka is back, and each success doubles the number: an outage
    costs no more duplicates, memory and traffic than that.
    """

    def __init__(self, spool: Spool, publish: Publish) -> None:
        """`publish` returns once Kafka has confirmed, and raises NotStored."""
        self._spool = spool
        self._publish = publish
        self._size = 1
        self._confirmed: list[int] = []

    async def run(self) -> NoReturn:
        """Drains for ever."""
        backoff = Backoff(first=0.1, most=2)
        while True:
            await self._spool.filled.wait()
            try:
                await self.step()
            except (NotStored, SpoolTrouble) as error:
                log.warning("%d records wait in the spool: %s", self._spool.waiting, error)
                await asyncio.sleep(backoff.next())
            except Exception as error:  # a drain that has ended would be found out by a full disk
                where = where_raised(error)
                log.error("fault in the drain: %s\n%s", type(error).__name__, where)
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()
                if not self._spool.waiting:
                    log.info("the spool is empty: deliveries go to Kafka again")

    async def step(self) -> None:
        """Carries the next records over. Raises NotStored where Kafka did not take all, and SpoolTrouble."""
        await self._let_go()
        entries = await self._spool.head(self._size)
        failures = await self._offer(entries)
        await self._let_go()
        if not failures:
            self._size = min(self._size * 2, MOST_RECORDS)
            return
        self._size = 1
        for failure in failures:
            if not isinstance(failure, Unacceptable):
                raise failure
        if len(entries) > 1:
            return  # Kafka refuses a batch for one record of it: the next steps find out which
        log.error(
            "Kafka refuses a record for good, it stays in the spool: %s. Mend the topic and start again",
            failures[0],
        )
        await self._spool.set_aside(entries[0])

    async def _offer(self, entries: Sequence[Entry]) -> list[NotStored]:
        outcomes = await asyncio.gather(
            *(self._publish(entry.event) for entry in entries), return_exceptions=True
        )
        told = zip(entries, outcomes, strict=True)
        self._confirmed = [entry.id for entry, outcome in told if outcome is None]
        SPOOL_DRAINED.inc(len(self._confirmed))
        failures = [outcome for outcome in outcomes if outcome is not None]
        for failure in failures:
            if not isinstance(failure, NotStored):
                raise failure
        return [failure for failure in failures if isinstance(failure, NotStored)]

    async def _let_go(self) -> None:
        # What is confirmed but cannot be deleted yet must not be published again.
        if self._confirmed:
            await self._spool.remove(self._confirmed)
            self._confirmed = []
