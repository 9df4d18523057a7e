"""Tells a loop that turns from one that is stuck."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn

BEAT_SECONDS: Final = 1.0


class Pulse:
    """Alive as long as the last beat is not older than `limit` seconds. Safe to ask from another thread."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Progress was made."""
        self._last = self._clock()

    def alive(self) -> bool:
        """Whether progress was made lately."""
        return self._clock() - self._last <= self._limit

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beats as long as the event loop turns and the block lasts."""
        task = asyncio.create_task(self._beat_forever())
        try:
            yield
        finally:
            task.cancel()

    async def _beat_forever(self) -> NoReturn:
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)
