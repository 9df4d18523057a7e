"""The Faust app of the hot hop: order, overlap, a free event loop, and a stop that finishes what is begun."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import faust
import pytest

from processors.patience import Patience
from processors.worker.app import RawFeed, typing_app
from processors.worker.batches import Batch
from processors.worker.raw_source import Evicted

LIMIT = 30.0
Hop = tuple[faust.App, RawFeed]


def batch(number: int) -> Batch:
    return Batch("canvas.raw", 0, number, (), (), {}, {}, None)


class Source:
    def __init__(self, count: int, failure: Exception | None = None) -> None:
        self.polled: list[int] = []
        self.events: list[str] = []
        self._count, self._failure = count, failure

    def subscribe(self) -> None:
        self.events.append("subscribe")

    def poll(self) -> Batch | None:
        if len(self.polled) < self._count:
            self.polled.append(len(self.polled))
            return batch(self.polled[-1])
        if self._failure is not None:
            raise self._failure
        time.sleep(0.01)
        return None

    def close(self) -> None:
        self.events.append("leave")


class Processing:
    def __init__(self, source: Source) -> None:
        self.source, self.events = source, source.events
        self.seen: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def open(self) -> None:
        self.events.append("open")

    def process(self, item: Batch) -> None:
        self.threads.add(threading.current_thread().name)
        self.events.append(f"begin {item.number}")
        assert self.gate.wait(LIMIT)
        self.seen.append(item.number)
        self.events.append(f"end {item.number}")

    def close(self) -> None:
        self.events.append("close")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in other threads
            await asyncio.sleep(0.01)


def with_app(
    tmp_path: Path, processing: Processing, body: Callable[[Hop], Coroutine[Any, Any, None]]
) -> None:
    async def main() -> None:
        hop = typing_app(processing.source, processing, Patience(), str(tmp_path))
        await hop[0].start()
        try:
            await body(hop)
        finally:
            processing.gate.set()
            await hop[0].stop()

    asyncio.run(main())


def test_batches_are_processed_in_order_one_at_a_time_on_one_thread(tmp_path: Path) -> None:
    processing = Processing(Source(20))

    async def body(_: Hop) -> None:
        await until(lambda: len(processing.seen) == 20)

    with_app(tmp_path, processing, body)
    assert processing.seen == list(range(20))
    begins_and_ends = [event for event in processing.events if event[:3] in ("beg", "end")]
    assert begins_and_ends == [f"{what} {number}" for number in range(20) for what in ("begin", "end")]
    assert processing.threads == {"batch-run"}
    assert processing.events[:2] == ["open", "subscribe"]


def test_the_next_batch_is_read_while_one_is_processed_and_the_event_loop_stays_free(tmp_path: Path) -> None:
    processing = Processing(Source(20))
    processing.gate.clear()

    async def body(_: Hop) -> None:
        await until(lambda: "begin 0" in processing.events and len(processing.source.polled) > 1)
        assert processing.seen == []
        # Not more than one in the channel and one waiting to get into it.
        await asyncio.sleep(0.1)
        assert len(processing.source.polled) <= 3
        processing.gate.set()
        await until(lambda: len(processing.seen) == 20)

    with_app(tmp_path, processing, body)


def test_a_stop_finishes_the_batch_in_flight_and_then_leaves(tmp_path: Path) -> None:
    processing = Processing(Source(1))
    processing.gate.clear()

    async def body(hop: Hop) -> None:
        await until(lambda: "begin 0" in processing.events)
        stopping = asyncio.create_task(hop[0].stop())
        await asyncio.sleep(0.1)
        assert "close" not in processing.events
        processing.gate.set()
        await stopping

    with_app(tmp_path, processing, body)
    assert processing.events[-3:] == ["end 0", "close", "leave"]


@pytest.mark.parametrize("where", ["poll", "process"])
def test_an_eviction_ends_the_feed(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    processing = Processing(Source(1, Evicted("fenced") if where == "poll" else None))
    if where == "process":
        monkeypatch.setattr(processing, "process", _evict)

    async def body(hop: Hop) -> None:
        with pytest.raises(Evicted, match="fenced"):
            await asyncio.wait_for(hop[1].ended, LIMIT)

    with_app(tmp_path, processing, body)


def test_a_call_that_does_not_return_does_not_hold_the_stop_once_it_is_given_up(tmp_path: Path) -> None:
    processing = Processing(Source(1))
    processing.gate.clear()

    async def body(hop: Hop) -> None:
        await until(lambda: "begin 0" in processing.events)
        hop[1].give_up()
        await asyncio.wait_for(hop[0].stop(), LIMIT)
        assert processing.seen == []

    with_app(tmp_path, processing, body)


def test_the_environment_does_not_override_what_the_app_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_DATADIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("WEB_ENABLED", "yes")
    processing = Processing(Source(0))

    async def body(hop: Hop) -> None:
        assert Path(hop[0].conf.datadir) == tmp_path
        assert not hop[0].conf.web_enabled

    with_app(tmp_path, processing, body)


def _evict(_: Batch) -> None:
    raise Evicted("fenced")
