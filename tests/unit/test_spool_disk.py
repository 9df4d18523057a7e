"""The spool on a disk that is shared, full, broken or slow: what is put is safe, or refused at once."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import RawEvent
from bridge.ingress.base import now
from bridge.kafka import NotStored
from bridge.metrics import (
    SPOOL_BYTES,
    SPOOL_ERRORS,
    SPOOL_LIMIT_BYTES,
    SPOOL_LIMIT_SECONDS,
    SPOOL_OLDEST_SECONDS,
    SPOOL_RECORDS,
    SPOOLED,
)
from bridge.spool import intake
from bridge.spool import spool as spool_module
from bridge.spool.spool import HOUR, Spool, SpoolTrouble
from tests.faulty_disk import FULL, IOERR_FSYNC, IOERR_READ, IOERR_WRITE, Disk, watched_disk
from tests.unit.doors import metric, until
from tests.unit.spool_site import left_in, record, spool_settings


@asynccontextmanager
async def spool_in(directory: Path, clock: Any = now, **more: Any) -> AsyncIterator[tuple[Spool, Disk]]:
    with watched_disk() as disk:
        async with Spool(directory, spool_settings(**more), clock) as spool:
            try:
                yield spool, disk
            finally:
                disk.refuse = {}
                disk.open.set()


def test_deliveries_that_come_together_share_an_fsync(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path) as (spool, disk):
            before = disk.count("sync", "-wal")
            disk.open.clear()
            puts = [asyncio.create_task(spool.put(record(n))) for n in range(200)]
            await until(lambda: spool._intake.bytes)
            assert not any(put.done() for put in puts), "none is told before the disk has it"
            disk.open.set()
            await asyncio.gather(*puts)
            assert disk.count("sync", "-wal") - before <= 2
            assert spool.waiting == 200

    asyncio.run(go())
    assert left_in(tmp_path) == sorted(left_in(tmp_path), key=lambda event: int(event.value))


def test_its_limits_are_told_beside_what_it_has(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path, max_bytes=20_000_000, max_age_hours=2):
            assert (metric(SPOOL_LIMIT_BYTES), metric(SPOOL_LIMIT_SECONDS)) == (20_000_000, 7200)

    asyncio.run(go())


def test_a_commit_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    async def go() -> None:
        async with spool_in(tmp_path) as (spool, _):
            append = spool._store.append

            def counting(events: Sequence[RawEvent]) -> None:
                sizes.append(len(events))
                append(events)

            monkeypatch.setattr(spool._store, "append", counting)
            await asyncio.gather(*(spool.put(record(n)) for n in range(3 * intake.MOST_RECORDS)))
            await asyncio.gather(*(spool.put(record(n, 1_000_000)) for n in range(9)))
            assert spool.waiting == 3 * intake.MOST_RECORDS + 9

    asyncio.run(go())
    assert max(sizes) <= intake.MOST_RECORDS
    assert max(sizes[-2:]) <= 3


@pytest.mark.parametrize(
    ("kind", "code"), [("write", FULL), ("write", IOERR_WRITE), ("sync", IOERR_FSYNC)], ids=str
)
def test_a_disk_that_refuses_refuses_the_delivery_and_harms_nothing_else(
    tmp_path: Path, kind: str, code: int
) -> None:
    errors, spooled = metric(SPOOL_ERRORS, "write"), metric(SPOOLED)

    async def go() -> str | None:
        async with spool_in(tmp_path) as (spool, disk):
            await spool.put(record(1))
            disk.refuse = {kind: code}
            for outcome in await asyncio.gather(
                *(spool.put(record(n)) for n in range(10, 15)), return_exceptions=True
            ):
                assert isinstance(outcome, NotStored)
                assert "disk" in str(outcome)
            assert spool.trouble
            disk.refuse = {}
            await spool.put(record(2))
            assert spool.waiting == 2
            return spool.trouble

    assert asyncio.run(go()) is None
    assert [event.value for event in left_in(tmp_path)] == [b"1", b"2"]
    assert metric(SPOOL_ERRORS, "write") > errors
    assert metric(SPOOLED) == spooled + 2


def test_a_disk_that_cannot_be_read_is_trouble_until_it_can(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path) as (spool, disk):
            await asyncio.gather(*(spool.put(record(n, size=100_000)) for n in range(200)))
            disk.refuse = {"read": IOERR_READ}
            with pytest.raises(SpoolTrouble, match=r"read.*disk I/O error"):
                await spool.head(200)
            assert spool.trouble
            disk.refuse = {}
            assert len(await spool.head(10)) == 10
            assert spool.trouble is None

    asyncio.run(go())


def test_a_full_disk_is_in_trouble_though_it_can_be_read(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path) as (spool, disk):
            await spool.put(record(1))
            disk.refuse = {"write": FULL}
            with pytest.raises(NotStored):
                await spool.put(record(2))
            (entry,) = await spool.head(10)
            assert spool.trouble
            disk.refuse = {}
            await spool.remove([entry.id])
            assert spool.trouble is None

    asyncio.run(go())


def test_a_disk_that_does_not_answer_refuses_and_holds_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "DISK_SECONDS", 0.05)

    async def go() -> None:
        async with spool_in(tmp_path) as (spool, disk):
            disk.open.clear()
            for _ in range(10):
                outcomes = await asyncio.gather(
                    *(spool.put(record(n, 10_000)) for n in range(100)), return_exceptions=True
                )
                assert {type(outcome) for outcome in outcomes} == {NotStored}
            assert spool.trouble
            assert spool._intake.bytes == 0
            assert not spool._intake._waiting
            gc.collect()
            places = sum(isinstance(thing, intake.Place) for thing in gc.get_objects())
            assert places <= 200, "what the disk was given before it hung, and the last round's tracebacks"
            disk.open.set()
            await spool.put(record(1))
            assert spool.trouble is None

    asyncio.run(go())


def test_a_fault_tells_those_who_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with spool_in(tmp_path) as (spool, _):
            with monkeypatch.context() as patch:
                patch.setattr(spool._store, "append", lambda _: 1 / 0)
                with pytest.raises(NotStored, match="ZeroDivisionError"):
                    await spool.put(record(1))
            await spool.put(record(2))

    asyncio.run(go())


def test_above_its_bytes_it_refuses_without_touching_the_disk(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path, max_bytes=16 * 1_048_576) as (spool, disk):
            for n in range(15):
                await spool.put(record(n, 1_000_000))
            await asyncio.gather(*(spool.put(record(n, 1_000_000)) for n in range(5)), return_exceptions=True)
            assert spool.refusal(1_000_000) is not None
            before = len(disk.ops)
            with pytest.raises(NotStored, match=r"full.*BRIDGE_SPOOL__MAX_BYTES"):
                await spool.put(record(1, 1_000_000))
            assert len(disk.ops) == before
            held = spool.records
            assert metric(SPOOL_BYTES) <= 16 * 1_048_576
            assert metric(SPOOL_RECORDS) == held
            await spool.remove([entry.id for entry in await spool.head(1)])
            await spool.put(record(1, 1_000_000))

    asyncio.run(go())
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 32 * 1_048_576


def test_what_is_being_written_counts_as_well(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path, max_bytes=16 * 1_048_576) as (spool, disk):
            disk.open.clear()
            puts = [asyncio.create_task(spool.put(record(n, 1_000_000))) for n in range(30)]
            await until(lambda: any(put.done() for put in puts))
            assert spool._intake.bytes <= 16 * 1_048_576
            disk.open.set()
            outcomes = await asyncio.gather(*puts, return_exceptions=True)
            assert 10 < outcomes.count(None) < 17

    asyncio.run(go())


def test_too_old_it_refuses_new_records_and_keeps_the_old(tmp_path: Path) -> None:
    moment = [now()]

    async def go() -> None:
        async with spool_in(tmp_path, lambda: moment[0], max_age_hours=2) as (spool, _):
            await spool.put(record(1))
            moment[0] += 2 * HOUR - 60_000
            await spool.put(record(2, received_at=moment[0]))
            moment[0] += 120_000
            assert spool.oldest_seconds() > 7200
            assert SPOOL_OLDEST_SECONDS.collect()  # as a scrape does
            with pytest.raises(NotStored, match="BRIDGE_SPOOL__MAX_AGE_HOURS"):
                await spool.put(record(3))
            await spool.remove([entry.id for entry in await spool.head(1)])
            await spool.put(record(4))

    asyncio.run(go())
    assert [event.value for event in left_in(tmp_path)] == [b"2", b"4"]


def test_a_delivery_that_is_given_up_leaves_no_place_behind(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_in(tmp_path) as (spool, disk):
            disk.open.clear()
            first = asyncio.create_task(spool.put(record(1)))
            await until(lambda: spool._intake.bytes)
            second = asyncio.create_task(spool.put(record(2)))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait([second])
            disk.open.set()
            await first
            assert spool._intake.bytes == 0
            assert spool.waiting == 1

    asyncio.run(go())
