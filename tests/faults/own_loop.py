"""An event loop with a thread of its own, for what stands between others while a test does something else."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import uvloop

SECONDS: Final = 60.0

Result = TypeVar("Result")


class OwnLoop:
    """Runs from `start` to `stop`."""

    def __init__(self, name: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Begins to run what it is given."""
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs it there and waits for it. From any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    def stop(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()
