"""The rollups are started again for as long as the worker runs, and say what topics they miss."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest

from bridge.settings import KafkaSettings
from processors.rollups import roll_up_app
from processors.rollups.roll_up_app import common_partitions, keep_rolling


class App:
    """Stands for a Faust app that runs, or crashes for `reason` after its start; `end`: of its stop."""

    def __init__(
        self, log: list[str], reason: Exception | None = None, end: BaseException | None = None
    ) -> None:
        self.crash_reason: Exception | None = None
        self._log, self._reason, self._end = log, reason, end

    async def start(self) -> None:
        self._log.append("start")

    async def wait_until_stopped(self) -> None:
        if self._reason is None:
            await asyncio.Event().wait()
        self.crash_reason = self._reason

    async def stop(self) -> None:
        self._log.append("stop")
        if self._end is not None:
            raise self._end


def test_an_app_that_crashes_or_cannot_be_made_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []
    # The consumer's thread cancels what it has in hand, and Faust lets that out to whoever stops the app.
    cancelled = App(log, OSError("lost"), asyncio.CancelledError())
    attempts: list[Any] = [ValueError("a topic is missing"), App(log, OSError("lost")), cancelled, App(log)]
    monkeypatch.setattr("processors.rollups.roll_up_app.random.uniform", lambda *_: 0.0)

    async def main() -> None:
        stopping = asyncio.Event()

        async def make() -> faust.App:
            attempt = attempts.pop(0)
            if isinstance(attempt, Exception):
                raise attempt
            if not attempts:
                asyncio.get_running_loop().call_later(0.05, stopping.set)
            return cast("faust.App", attempt)

        await asyncio.wait_for(keep_rolling(make, stopping), 30)

    asyncio.run(main())
    assert log == ["start", "stop"] * 3
    assert attempts == []


def test_who_cancels_the_rollups_ends_them() -> None:
    log: list[str] = []

    async def main() -> None:
        async def make() -> faust.App:
            return cast("faust.App", App(log))

        rolling = asyncio.create_task(keep_rolling(make, asyncio.Event()))
        while not log:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.01)
        rolling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(rolling, 30)

    asyncio.run(main())
    assert log == ["start", "stop"]


@pytest.mark.parametrize(
    ("counts", "complaint"), [({"a": 4, "b": 8}, "a 4, b 8"), ({"a": 4, "b": 0}, "a 4, b missing")]
)
def test_sources_that_do_not_match_are_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], complaint: str
) -> None:
    def answer(name: str, _: float) -> Any:
        partitions = dict.fromkeys(range(counts[name]))
        return SimpleNamespace(topics={name: SimpleNamespace(partitions=partitions)})

    admin = SimpleNamespace(list_topics=answer)
    monkeypatch.setattr(roll_up_app, "AdminClient", lambda *_, **__: admin)
    with pytest.raises(ValueError, match=f"{complaint}.*topics create"):
        common_partitions(KafkaSettings(), list(counts))
    assert common_partitions(KafkaSettings(), ["a"]) == 4
