"""Group commit: deliveries that come while the disk is busy share the next fsync."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bridge.contract import RawEvent
from bridge.kafka import NotStored

MOST_RECORDS: Final = 250  # of a commit: fewer than the drain takes at a time, so that it gains
MOST_BYTES: Final = 2 * 1_048_576

Append = Callable[[Sequence[RawEvent]], Awaitable[None]]


class Place:
    """A record that waits for the disk. Compared by identity: equal deliveries are two records."""

    __slots__ = ("event", "size", "written")

    def __init__(self, event: RawEvent) -> None:
        self.event = event
        self.size = record_size(event)
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Intake:
    """Hands what waits to `append`, one commit after the other. `append` raises NotStored."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._waiting: dict[Place, None] = {}
        self._writing: asyncio.Task[None] | None = None
        self.bytes = 0

    async def put(self, event: RawEvent, seconds: float) -> None:
        """Returns once the record is on disk. Raises NotStored, and TimeoutError after `seconds`."""
        place = Place(event)
        self._waiting[place] = None
        self.bytes += place.size
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(seconds):
                await place.written
        finally:
            # Who no longer waits is no longer held in memory, even where the disk never answers.
            self._waiting.pop(place, None)
            self.bytes -= place.size

    async def _write(self) -> None:
        while self._waiting:
            places = self._next()
            try:
                await self._append([place.event for place in places])
            except NotStored as error:
                _refuse(places, str(error))
            except Exception as error:  # a fault must not leave them waiting
                _refuse(places, type(error).__name__)
            else:
                for place in places:
                    if not place.written.done():
                        place.written.set_result(None)

    def _next(self) -> list[Place]:
        places: list[Place] = []
        size = 0
        for place in self._waiting:
            places.append(place)
            size += place.size
            if len(places) == MOST_RECORDS or size >= MOST_BYTES:
                break
        for place in places:
            del self._waiting[place]
        return places


def _refuse(places: Sequence[Place], cause: str) -> None:
    for place in places:
        if not place.written.done():
            place.written.set_exception(NotStored(cause))


def record_size(event: RawEvent) -> int:
    """Bytes a record takes, about."""
    return len(event.value) + sum(len(name) + len(value) for name, value in event.headers) + 256
