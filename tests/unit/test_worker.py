"""When the worker starts over by itself, and when it ends and says why."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.patience import Patience
from processors.settings import Delivery, ProcessorsAdminSettings, WorkerSettings
from processors.worker import command as worker
from processors.worker.batches import Batch
from processors.worker.command import Setup, Worker
from processors.worker.raw_source import Evicted

LIMIT = 30.0


class Source:
    """Every incarnation of the hot hop makes one; the script says what its poll does."""

    made: list["Source"]
    script: list[Any]
    assigned = True
    consumer = None

    def __init__(self, _: Any, __: Any, ___: Any, ____: Any, patience: Patience) -> None:
        self.patience, self.closed = patience, False
        self.number = len(Source.made)
        Source.made.append(self)

    def subscribe(self) -> None: ...

    def poll(self) -> Batch | None:
        self.patience.beat()
        act = Source.script[self.number] if self.number < len(Source.script) else None
        if act is not None:
            act(self.patience)
        threading.Event().wait(0.01)
        return None

    def close(self) -> None:
        self.closed = True


class NoDelivery:
    def __init__(self, *_: Any) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


def after_an_outage(patience: Patience) -> None:
    patience.note_trouble()
    raise Evicted("fenced")


def out_of_the_blue(_: Patience) -> None:
    raise Evicted("fenced")


@pytest.fixture
def unblock(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    Source.made, Source.script = [], []
    monkeypatch.setattr(worker, "RawSource", Source)
    monkeypatch.setattr(worker, "DELIVERIES", dict.fromkeys(Delivery, NoDelivery))
    gate = threading.Event()
    yield gate
    gate.set()


def run(tmp_path: Path, *, until: int) -> None:
    """The hot hop, until so many incarnations of it were begun."""
    setup = Setup(
        WorkerSettings(data_dir=str(tmp_path)),
        KafkaSettings(),
        SchemaRegistrySettings(),
        ProcessorsAdminSettings(),
    )
    hop: Any = Worker(setup)

    async def main() -> None:
        stopping = asyncio.Event()

        async def stop_at_last() -> None:
            while len(Source.made) < until:  # noqa: ASYNC110 - what it waits for happens in other threads
                await asyncio.sleep(0.01)
            stopping.set()

        stopper = asyncio.create_task(stop_at_last())
        try:
            async with asyncio.timeout(LIMIT):
                while not stopping.is_set():
                    await hop._work(None, stopping)
        finally:
            stopper.cancel()

    asyncio.run(main())


@pytest.mark.usefixtures("unblock")
def test_shut_out_after_an_outage_it_starts_over(tmp_path: Path) -> None:
    Source.script = [after_an_outage, after_an_outage]
    run(tmp_path, until=3)
    assert [source.closed for source in Source.made] == [True, True, True]


@pytest.mark.usefixtures("unblock")
def test_shut_out_of_a_sound_connection_it_starts_over_once(tmp_path: Path) -> None:
    Source.script = [out_of_the_blue]
    run(tmp_path, until=2)
    assert [source.closed for source in Source.made] == [True, True]


@pytest.mark.usefixtures("unblock")
def test_shut_out_of_a_sound_connection_again_it_ends(tmp_path: Path) -> None:
    Source.script = [out_of_the_blue, out_of_the_blue]
    with pytest.raises(Evicted, match="fenced"):
        run(tmp_path, until=3)
    assert len(Source.made) == 2


@pytest.mark.usefixtures("unblock")
def test_shut_out_long_after_it_started_over_it_does_so_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "OUTAGE_SECONDS", 0.0)
    Source.script = [out_of_the_blue, out_of_the_blue]
    run(tmp_path, until=3)
    assert len(Source.made) == 3


def test_a_call_that_does_not_return_is_left_behind(
    tmp_path: Path, unblock: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STUCK_SECONDS", 0.5)
    Source.script = [lambda _: unblock.wait()]
    run(tmp_path, until=2)
    assert [source.closed for source in Source.made] == [False, True]
