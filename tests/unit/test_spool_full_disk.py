"""A full disk takes no deletion either: the spool drains all the same, and is small again after it."""

import asyncio
from pathlib import Path

import pytest

from bridge.spool.database import FILE
from bridge.spool.store import Store
from tests.faulty_disk import FULL, IOERR_WRITE, Disk, Op, watched_disk
from tests.unit.doors import until
from tests.unit.spool_site import fill, left_in, record, spool_site

COUNT = 40


class FullDisk(Disk):
    """Full as long as the first database file is there."""

    def __init__(self, file: Path) -> None:
        super().__init__(in_earnest=False)
        self._file = file
        self._inode = file.stat().st_ino

    def do(self, op: Op) -> int:
        first = self._file.exists() and self._file.stat().st_ino == self._inode
        return FULL if op.kind == "write" and first else super().do(op)


def filled(directory: Path) -> Path:
    fill(directory, [record(number) for number in range(COUNT)])
    return directory / FILE


def test_what_cannot_be_deleted_is_passed_over_and_goes_once_there_is_room(tmp_path: Path) -> None:
    filled(tmp_path)
    with watched_disk() as disk:
        store = Store(tmp_path)
        disk.refuse = {"write": FULL}
        store.remove([entry.id for entry in store.head(0, 10, 1 << 20)])
        assert store.full()
        assert [entry.event.value for entry in store.head(0, 2, 1 << 20)] == [b"10", b"11"]
        assert store.level(0).records == COUNT - 10
        disk.refuse = {}
        store.remove([entry.id for entry in store.head(0, 5, 1 << 20)])
        assert not store.full()
        store.close()
    assert [event.value for event in left_in(tmp_path)] == [b"%d" % number for number in range(15, COUNT)]


def test_once_nothing_else_is_left_the_file_goes_and_gives_its_room_back(tmp_path: Path) -> None:
    disk = FullDisk(filled(tmp_path))
    with watched_disk(disk):
        store = Store(tmp_path)
        for size in (COUNT - 1, 1):
            store.remove([entry.id for entry in store.head(0, size, 1 << 20)])
        assert not store.full()
        assert store.level(0).records == 0
        store.append([record(99)])
        store.close()
    assert [event.value for event in left_in(tmp_path)] == [b"99"]


def test_after_a_crash_what_was_passed_over_is_there_again(tmp_path: Path) -> None:
    filled(tmp_path)
    with watched_disk() as disk:
        store = Store(tmp_path)
        disk.refuse = {"write": FULL}
        store.remove([entry.id for entry in store.head(0, COUNT - 1, 1 << 20)])
        disk.refuse = {}
        store.close()
    assert len(left_in(tmp_path)) == COUNT


def test_another_fault_of_the_disk_passes_nothing_over(tmp_path: Path) -> None:
    filled(tmp_path)
    with watched_disk() as disk:
        store = Store(tmp_path)
        disk.refuse = {"write": IOERR_WRITE}
        with pytest.raises(Exception, match="disk I/O error"):
            store.remove([1])
        assert not store.full()
        disk.refuse = {}
        store.close()


def test_the_drain_empties_a_spool_on_a_full_disk(tmp_path: Path) -> None:
    disk = FullDisk(filled(tmp_path))

    async def go() -> None:
        async with spool_site(tmp_path) as site:
            await until(lambda: not site.spool.records)
            assert [event.value for event in site.kafka.records] == [b"%d" % n for n in range(COUNT)]
            await until(lambda: site.spool.trouble is None)

    with watched_disk(disk):
        asyncio.run(go())
