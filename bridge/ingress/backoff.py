"""Waiting: longer after each failure, and never past the order to stop."""

import asyncio
import random


class Backoff:
    """Doubling delays with jitter, so that many waiters do not return at once."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure: between half of the delay and all of it."""
        delay = min(self._most, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Begins again after a success."""
        self._failures = 0


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Waits that long, or until `stopping`."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
