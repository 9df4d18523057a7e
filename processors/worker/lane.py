"""A thread for blocking calls, awaited from asyncio."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Lane:
    """One thread that makes the calls given to it in turn: `await lane(call)`.

    Unlike an executor's, its thread is a daemon: stuck in a call, it does not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def __call__(self, call: Callable[[], Answer]) -> Answer:
        """Makes the call on the thread and returns its answer, or raises its exception."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if answer.cancelled():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)

        def make() -> None:
            try:
                outcome: tuple[Any, Exception | None] = (call(), None)
            except Exception as error:
                outcome = (None, error)
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, *outcome)

        self._calls.put(make)
        return await answer

    def close(self) -> None:
        """Ends the thread after the calls already given to it."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
