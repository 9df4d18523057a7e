"""The store of the spool: records come back as they went in, or it says why it cannot be opened."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import RawEvent
from bridge.spool import store as store_module
from bridge.spool.database import FILE, look_into
from bridge.spool.directory import LOCK_FILE, SpoolUnusable
from bridge.spool.store import Level, Store
from tests.faulty_disk import watched_disk
from tests.unit.spool_site import record

ALL = 1 << 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.mark.parametrize(
    "event",
    [
        RawEvent(b"", None, (), 0),
        RawEvent(b"\x00\xff{", b"", (("a", b""), ("a", bytes(range(256))), ("ü", b"2")), 1 << 42),
        RawEvent(b"x" * 2_000_000, b"k" * 1000, (("ce_id", b"\xed\xa0\x80"),), 1_772_357_400_125),
    ],
)
def test_a_record_comes_back_exactly(tmp_path: Path, event: RawEvent) -> None:
    first = Store(tmp_path)
    first.append([event])
    first.close()
    second = Store(tmp_path)
    assert [entry.event for entry in second.head(0, 10, ALL)] == [event]
    second.close()


def test_a_batch_that_fails_leaves_nothing_and_the_next_goes_well(store: Store) -> None:
    unfit: Any = object()
    with pytest.raises(sqlite3.Error):
        store.append([record(1), RawEvent(unfit, b"k", (), 1)])
    store.append([record(2)])
    assert [entry.event.value for entry in store.head(0, 10, ALL)] == [b"2"]
    assert store.level(0).records == 1


def test_the_order_is_that_of_arrival_whatever_is_taken_out(store: Store) -> None:
    store.append([record(n) for n in range(5)])
    ids = [entry.id for entry in store.head(0, 100, ALL)]
    store.remove([ids[1], ids[4]])
    store.append([record(n) for n in range(5, 8)])
    assert [entry.event.value for entry in store.head(0, 100, ALL)] == [b"0", b"2", b"3", b"5", b"6", b"7"]
    assert [entry.event.value for entry in store.head(ids[2], 2, ALL)] == [b"3", b"5"]


def test_the_head_is_bounded_in_bytes_but_never_empty(store: Store) -> None:
    store.append([record(n, size=1000) for n in range(10)])
    assert len(store.head(0, 100, 3000)) == 3
    assert len(store.head(0, 100, 1)) == 1
    assert len(store.head(0, 2, ALL)) == 2


def test_the_level_counts_records_and_disk_and_finds_the_oldest(store: Store) -> None:
    assert store.level(0) == Level(0, 0, None)
    events = [record(n, size=20_000) for n in range(10)]
    store.append(events)
    level = store.level(0)
    assert (level.records, level.oldest) == (10, events[0].received_at)
    assert 200_000 < level.bytes < 1_000_000
    store.remove([entry.id for entry in store.head(0, 9, ALL)])
    assert store.level(0).records == 1
    assert store.level(0).bytes < level.bytes / 2
    assert store.level(10).oldest is None
    assert look_into_path(store) == (1, events[9].received_at)


def look_into_path(store: Store) -> tuple[int, int | None]:
    (_, _, path) = store._connection.execute("PRAGMA database_list").fetchone()
    return look_into(Path(path).parent)


def test_what_was_counted_is_counted_again_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.append([record(n) for n in range(7)])
    first.remove([1])
    level = first.level(0)
    first.close()
    second = Store(tmp_path)
    assert second.level(0) == level
    second.close()


def test_a_commit_is_one_fsync_of_the_log(tmp_path: Path) -> None:
    with watched_disk() as disk:
        store = Store(tmp_path)
        before = disk.count("sync")
        store.append([record(n, size=2000) for n in range(100)])
        assert disk.count("sync") == before + 1
        assert disk.ops[-1].kind == "sync"
        assert disk.ops[-1].file.endswith("-wal")
        store.remove([1])
        assert disk.count("sync") == before + 2
        store.close()


def test_the_log_is_folded_in_again_and_again(store: Store, tmp_path: Path) -> None:
    for n in range(40):
        store.append([record(n, size=1_000_000)])
        store.remove([entry.id for entry in store.head(0, 1, ALL)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 20 * 1_048_576


def test_an_emptied_store_gives_the_disk_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHRINK_BYTES", 1_000_000)
    secret = b"somebody's essay"
    store.append([RawEvent(secret * 10_000, b"k", (), n) for n in range(20)])
    store.remove([entry.id for entry in store.head(0, 100, ALL)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 200_000
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())
    store.append([record(1)])
    assert store.level(0).records == 1


def test_a_second_process_is_refused_and_told_whose_it_is(store: Store, tmp_path: Path) -> None:
    pid = (tmp_path / LOCK_FILE).read_text()
    with pytest.raises(SpoolUnusable, match=rf"pid {pid}.*BRIDGE_SPOOL__DIRECTORY of its own"):
        Store(tmp_path)


def test_the_next_process_gets_it(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path).close()


def test_nobody_else_may_read_the_events(store: Store, tmp_path: Path) -> None:
    store.append([record(1)])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in tmp_path.iterdir()}
    assert f"{FILE}-wal" in modes
    assert set(modes.values()) == {0}
    made = Store(tmp_path / "made")
    made.close()
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"no database at all" * 100, "not a database"), (b"SQLite format 3\x00" + b"\x00" * 84, "")],
)
def test_a_damaged_store_is_refused_and_not_overwritten(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(SpoolUnusable, match=f"{cause}.*may hold accepted events"):
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content
    (tmp_path / FILE).unlink()
    Store(tmp_path).close()  # the lock was let go


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(SpoolUnusable, match="newer canvas-bridge"):
        Store(tmp_path)


@pytest.mark.parametrize("name", ["missing/child", "file/child", "file"])
def test_a_directory_that_cannot_be_is_said_with_the_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolUnusable, match=r"cannot write to .*Set BRIDGE_SPOOL__DIRECTORY"):
        Store(tmp_path / name)


def test_looking_into_it_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnusable, match="cannot read the spool"):
        look_into(tmp_path)
    assert list(tmp_path.iterdir()) == []
