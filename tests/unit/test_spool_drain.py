"""The drain: a record leaves the spool by Kafka's confirmation and in no other way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.contract import RawEvent
from bridge.kafka import NotStored, Unacceptable
from bridge.metrics import SPOOL_DRAINED, SPOOL_REFUSED_RECORDS
from bridge.spool import drain as drain_module
from bridge.spool.drain import Drain
from bridge.spool.spool import Spool, SpoolTrouble
from tests.faulty_disk import IOERR_WRITE, Disk, watched_disk
from tests.unit.doors import metric, until
from tests.unit.spool_site import fill, left_in, record, spool_settings

Reply = Callable[[RawEvent], Exception | None]


class Kafka:
    """Answers each record by a function; `offers` are the batches, `stored` what was confirmed."""

    def __init__(self, reply: Reply = lambda _: None) -> None:
        self.reply = reply
        self.offered: list[bytes] = []
        self.stored: list[RawEvent] = []

    async def publish(self, event: RawEvent) -> None:
        self.offered.append(event.value)
        await asyncio.sleep(0)
        failure = self.reply(event)
        if failure:
            raise failure
        self.stored.append(event)


@asynccontextmanager
async def draining(directory: Path, kafka: Kafka) -> AsyncIterator[tuple[Spool, Drain, Disk]]:
    with watched_disk() as disk:
        async with Spool(directory, spool_settings()) as spool:
            yield spool, Drain(spool, kafka.publish), disk


def away(_: RawEvent) -> Exception:
    return NotStored("broker transport failure")


def test_records_arrive_exactly_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "MOST_RECORDS", 16)
    events, kafka, before = [record(n, n) for n in range(100)], Kafka(), metric(SPOOL_DRAINED)
    fill(tmp_path, events)

    async def go() -> None:
        async with draining(tmp_path, kafka) as (spool, drain, _):
            while spool.waiting:
                await drain.step()

    asyncio.run(go())
    assert kafka.stored == events
    assert metric(SPOOL_DRAINED) == before + 100
    assert left_in(tmp_path) == []


def test_one_record_asks_and_success_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "MOST_RECORDS", 4)
    kafka, sizes = Kafka(), []
    fill(tmp_path, [record(n) for n in range(30)])

    async def step(drain: Drain) -> None:
        before = len(kafka.offered)
        try:
            await drain.step()
        finally:
            sizes.append(len(kafka.offered) - before)

    async def go() -> None:
        async with draining(tmp_path, kafka) as (_, drain, _):
            for _ in range(4):
                await step(drain)
            kafka.reply = away
            for _ in range(2):
                with pytest.raises(NotStored):
                    await step(drain)
            kafka.reply = lambda _: None
            for _ in range(3):
                await step(drain)

    asyncio.run(go())
    assert sizes == [1, 2, 4, 4, 4, 1, 1, 2, 4]


def test_what_is_confirmed_goes_and_what_is_not_stays(tmp_path: Path) -> None:
    fill(tmp_path, [record(n) for n in range(7)])
    kafka = Kafka()

    async def go() -> None:
        async with draining(tmp_path, kafka) as (_, drain, _):
            await drain.step()
            await drain.step()
            kafka.reply = lambda event: NotStored("timed out") if event.value in (b"4", b"6") else None
            with pytest.raises(NotStored, match="timed out"):
                await drain.step()

    asyncio.run(go())
    assert [event.value for event in left_in(tmp_path)] == [b"4", b"6"]


def test_a_record_kafka_refuses_for_good_holds_nobody_up_and_is_kept(tmp_path: Path) -> None:
    fill(tmp_path, [record(n) for n in range(50)])
    kafka, bad = Kafka(), {b"0", b"17", b"18", b"49"}

    def reply(event: RawEvent) -> Exception | None:
        # As a broker does: the whole batch fails with the record that is too large.
        batch = kafka.offered[-max(1, batch_size[0]) :]
        return Unacceptable("message too large") if bad & set(batch) else None

    batch_size = [1]
    kafka.reply = reply

    async def go() -> None:
        async with draining(tmp_path, kafka) as (spool, drain, _):
            for _ in range(200):
                if not spool.waiting:
                    break
                batch_size[0] = min(drain._size, spool.waiting)
                await drain.step()
            assert spool.waiting == 0
            assert spool.records == len(bad)
            assert spool.oldest_seconds() == 0, "it is an alarm of its own"
            assert metric(SPOOL_REFUSED_RECORDS) == len(bad)
            assert not spool.filled.is_set()

    asyncio.run(go())
    assert {event.value for event in left_in(tmp_path)} == bad
    assert [int(event.value) for event in kafka.stored] == [n for n in range(50) if b"%d" % n not in bad]

    kafka.reply = lambda _: None
    asyncio.run(_drain_all(tmp_path, kafka))
    assert left_in(tmp_path) == [], "the next start offers them again"


async def _drain_all(directory: Path, kafka: Kafka) -> None:
    async with draining(directory, kafka) as (spool, drain, _):
        while spool.waiting:
            await drain.step()


def test_what_cannot_be_deleted_yet_is_not_published_again(tmp_path: Path) -> None:
    fill(tmp_path, [record(n) for n in range(3)])
    kafka = Kafka()

    async def go() -> None:
        async with draining(tmp_path, kafka) as (spool, drain, disk):
            disk.refuse = {"write": IOERR_WRITE}
            for _ in range(3):
                with pytest.raises(SpoolTrouble, match=r"delete.*disk I/O error"):
                    await drain.step()
            disk.refuse = {}
            while spool.waiting:
                await drain.step()

    asyncio.run(go())
    assert kafka.offered == [b"0", b"1", b"2"]
    assert left_in(tmp_path) == []


def test_it_begins_by_itself_and_again_after_each_outage_and_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, [record(n) for n in range(3)])
    kafka, failures = Kafka(), iter([NotStored("away"), ValueError("s3cr3t"), None, None, None, None])
    kafka.reply = lambda _: next(failures, None)

    async def go() -> None:
        async with draining(tmp_path, kafka) as (spool, drain, _):
            running = asyncio.create_task(drain.run())
            await spool.emptied.wait()
            for n in range(3, 6):
                await spool.put(record(n))
                await until(spool.emptied.is_set)
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(go())
    assert [event.value for event in kafka.stored] == [b"%d" % n for n in range(6)]
    assert "fault in the drain: ValueError" in caplog.text
    assert "in publish" in caplog.text
    assert "s3cr3t" not in caplog.text
