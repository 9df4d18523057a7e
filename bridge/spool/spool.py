"""The spool as the event loop sees it: bounded, measured, and all disk work in one thread of its own."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from bridge.contract import RawEvent
from bridge.door_settings import SpoolSettings
from bridge.ingress.base import now
from bridge.kafka import NotStored
from bridge.metrics import (
    SPOOL_BYTES,
    SPOOL_ERRORS,
    SPOOL_LIMIT_BYTES,
    SPOOL_LIMIT_SECONDS,
    SPOOL_OLDEST_SECONDS,
    SPOOL_RECORDS,
    SPOOL_REFUSED_RECORDS,
    SPOOLED,
)
from bridge.rate_limit import RateLimit
from bridge.spool.intake import Intake, record_size
from bridge.spool.store import Entry, Level, Store

DISK_SECONDS: Final = 5.0  # with the wait for Kafka before it, well within the 15 s Canvas waits
HEAD_BYTES: Final = 4 * 1_048_576
HOUR: Final = 3_600_000  # milliseconds

Result = TypeVar("Result")

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class SpoolTrouble(Exception):
    """The disk refuses; later it may not. The message gives SQLite's own words."""


class Spool:
    """What Kafka has not confirmed, on a local disk. Use as a context; raises SpoolUnusable when entered."""

    def __init__(self, directory: Path, settings: SpoolSettings, clock: Callable[[], int] = now) -> None:
        """`clock`: milliseconds since the epoch."""
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._intake = Intake(self._append)
        self._level = Level(0, 0, None)
        self._after = 0
        self._set_aside = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self.filled = asyncio.Event()
        self.emptied = asyncio.Event()
        self._troubles: dict[str, str] = {}
        for call in ("write", "read", "delete"):
            SPOOL_ERRORS.labels(call)  # at 0 from the start: else nobody sees the first

    async def __aenter__(self) -> Self:
        self._store = await self._in_thread(lambda: Store(self._directory))
        self._measure(await self._in_thread(lambda: self._store.level(0)))
        SPOOL_OLDEST_SECONDS.set_function(self.oldest_seconds)
        SPOOL_LIMIT_BYTES.set(self._settings.max_bytes)
        SPOOL_LIMIT_SECONDS.set(self._settings.max_age_hours * 3600)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the store after what the thread still has to do."""
        with suppress(sqlite3.Error):
            await self._in_thread(self._store.close)
        self._thread.shutdown(wait=False)
        SPOOL_OLDEST_SECONDS.set_function(lambda: 0)

    @property
    def waiting(self) -> int:
        """Records for Kafka, without those that Kafka refuses for good."""
        return self._level.records - self._set_aside

    @property
    def records(self) -> int:
        """All records."""
        return self._level.records

    @property
    def trouble(self) -> str | None:
        """What the disk said when it last refused, None where it has done the same since."""
        return next(iter(self._troubles.values()), None)

    def oldest_seconds(self) -> float:
        """Age of the oldest record that waits for Kafka; 0 where none does."""
        oldest = self._level.oldest
        return 0.0 if oldest is None else max(0, self._clock() - oldest) / 1000

    def refusal(self, size: int = 0) -> str | None:
        """Why the spool takes no further `size` bytes, None where it does."""
        if self._level.bytes + self._intake.bytes + size > self._settings.max_bytes:
            return f"the spool is full ({self._level.records} records): see BRIDGE_SPOOL__MAX_BYTES"
        if self.oldest_seconds() > self._settings.max_age_hours * 3600:
            return "the oldest record of the spool is older than BRIDGE_SPOOL__MAX_AGE_HOURS"
        return None

    async def put(self, event: RawEvent) -> None:
        """Stores a record. Raises NotStored where that is not certain."""
        cause = self.refusal(record_size(event))
        if cause:
            log.error("deliveries are refused: %s", cause)
            raise NotStored(cause)
        try:
            await self._intake.put(event, DISK_SECONDS)
        except TimeoutError:
            self._note("write", f"the disk did not answer within {DISK_SECONDS:.0f} s")
            raise NotStored("the disk of the spool does not answer") from None
        SPOOLED.inc()

    async def head(self, most: int) -> list[Entry]:
        """The oldest records that wait, at most so many. Raises SpoolTrouble."""
        return await self._attempt("read", lambda: self._store.head(self._after, most, HEAD_BYTES))

    async def remove(self, ids: Sequence[int]) -> None:
        """Lets go of records that Kafka has confirmed. Raises SpoolTrouble, and then holds them still."""
        await self._attempt("delete", lambda: self._store.remove(ids))
        if self._store.full():
            self._note("delete", "the disk is full: make room. What Kafka has by now is passed over")

    async def set_aside(self, entry: Entry) -> None:
        """Passes over a record that Kafka refuses for good; it is kept, and offered at the next start."""
        self._after = entry.id
        self._set_aside += 1
        SPOOL_REFUSED_RECORDS.set(self._set_aside)
        await self._attempt("read", lambda: None)

    async def _append(self, events: Sequence[RawEvent]) -> None:
        try:
            await self._attempt("write", lambda: self._store.append(events))
        except SpoolTrouble as trouble:
            raise NotStored(str(trouble)) from trouble

    async def _attempt(self, call: str, work: Callable[[], Result]) -> Result:
        def measured() -> tuple[Result, Level]:
            return work(), self._store.level(self._after)

        try:
            result, level = await self._in_thread(measured)
        except sqlite3.Error as error:
            self._note(call, str(error))
            raise SpoolTrouble(f"the spool's disk refuses ({call}): {error}") from error
        for cured in ("read",) if call == "read" else ("write", "delete"):
            self._troubles.pop(cured, None)  # a full disk can be read
        self._measure(level)
        return result

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _note(self, call: str, cause: str) -> None:
        self._troubles[call] = cause
        SPOOL_ERRORS.labels(call).inc()
        log.error("the spool's disk fails to %s: %s", call, cause)

    def _measure(self, level: Level) -> None:
        self._level = level
        SPOOL_RECORDS.set(level.records)
        SPOOL_BYTES.set(level.bytes)
        if self.waiting:
            self.filled.set()
            self.emptied.clear()
        else:
            self.filled.clear()
            self.emptied.set()
