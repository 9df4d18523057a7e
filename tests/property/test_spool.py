"""The law of the spool: whatever moment a process or a machine dies at, what was acknowledged is there.

A run is recorded as the writes, truncations, fsyncs and deletions SQLite asks the system for. Then its
files are made again as a death at some moment leaves them, and opened as the next start does:

- death of the process (SIGKILL): all that was written before is there, the last write up to any byte;
- death of the machine: of each file what its last fsync covers, and of what was written to it since any
  part, sector by sector. A deletion may or may not have happened.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.contract import RawEvent
from bridge.spool import database
from bridge.spool import store as store_module
from bridge.spool.database import FILE
from bridge.spool.store import Store
from tests.faulty_disk import Disk, Op, watched_disk

SECTOR = 512
DIRECTORY = "."
ALL = 1 << 40
Files = dict[str, bytearray]


@dataclass
class Run:
    """What was done to the disk, and at which op each record was handed over, acknowledged, let go, gone."""

    ops: list[Op] = field(default_factory=list)
    appended: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    removed: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    events: dict[bytes, RawEvent] = field(default_factory=dict)
    batches: list[list[bytes]] = field(default_factory=list)

    def required(self, at: int) -> set[bytes]:
        """What must be there when only the first `at` ops were begun."""
        safe = {name for name, (_, end) in self.appended.items() if end <= at}
        return safe - {name for name, (begin, _) in self.removed.items() if begin < at}

    def possible(self, at: int) -> set[bytes]:
        """What may be there."""
        begun = {name for name, (begin, _) in self.appended.items() if begin < at}
        return begun - {name for name, (_, end) in self.removed.items() if end <= at}


# A step: so many records of so many bytes appended; or (0, n): the first n let go; or (-1, 0): a new start.
steps = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 6), st.sampled_from([0, 10, 2000, 20_000, 70_000])),
        st.tuples(st.just(0), st.integers(1, 8)),
        st.just((-1, 0)),
    ),
    min_size=1,
    max_size=12,
)


@contextmanager
def telling_syncs(disk: Disk) -> Iterator[None]:
    """The fsync of the folder is ours and not SQLite's."""

    def told(_: Path) -> None:
        disk.ops.append(Op("sync", DIRECTORY))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "sync_names", told)
        yield


def perform(script: list[tuple[int, int]]) -> Run:
    run, number = Run(), 0
    with TemporaryDirectory() as folder, watched_disk(in_earnest=False) as disk, telling_syncs(disk):
        store = Store(Path(folder))
        for count, size in script:
            begin = len(disk.ops)
            if count > 0:
                events = [
                    RawEvent(b"%d " % n + b"v" * size, b"%d" % n, (("ce_id", b"%d\xff" % n),), 1000 + n)
                    for n in range(number, number + count)
                ]
                number += count
                store.append(events)
                run.batches.append([event.value for event in events])
                run.events |= {event.value: event for event in events}
                run.appended |= {event.value: (begin, len(disk.ops)) for event in events}
            elif count == 0:
                entries = store.head(0, size, ALL)
                store.remove([entry.id for entry in entries])
                run.removed |= {entry.event.value: (begin, len(disk.ops)) for entry in entries}
            else:
                store.close()
                store = Store(Path(folder))
        store.close()
        run.ops = disk.ops
    return run


def apply(files: Files, op: Op, dice: random.Random | None = None) -> None:
    """Does it again; with dice, sector by sector as they fall."""
    if op.kind == "delete":
        files.pop(op.file, None)
    if op.kind not in ("truncate", "write"):
        return
    content = files.setdefault(op.file, bytearray())
    if op.kind == "truncate" and (dice is None or dice.random() < 0.5):
        del content[op.at :]
    elif op.kind == "write":
        for start, data in pieces(op, dice):
            content.extend(bytes(max(0, start + len(data) - len(content))))
            content[start : start + len(data)] = data


def pieces(op: Op, dice: random.Random | None) -> Iterator[tuple[int, bytes]]:
    """The parts of a write that reach the disk."""
    if dice is None:
        yield op.at, op.data
        return
    luck = dice.choice([0.0, 0.5, 1.0])
    first = op.at // SECTOR
    for sector in range(first, (op.at + len(op.data) - 1) // SECTOR + 1):
        begin, end = max(op.at, sector * SECTOR), min(op.at + len(op.data), (sector + 1) * SECTOR)
        if dice.random() < luck:
            yield begin, op.data[begin - op.at : end - op.at]


def killed(run: Run, at: int, cut: float) -> Files:
    """The process has died within op `at`, of which that part was done."""
    files: Files = {}
    for op in run.ops[:at]:
        apply(files, op)
    last = run.ops[at]
    if last.kind == "write":
        apply(files, Op("write", last.file, last.at, last.data[: int(cut * len(last.data))]))
    return files


class Inode:
    """A file by what it holds: `safe` is covered by an fsync, `loose` is not yet."""

    def __init__(self) -> None:
        self.safe: list[Op] = []
        self.loose: list[Op] = []

    def sync(self) -> None:
        self.safe, self.loose = self.safe + self.loose, []

    def content(self, name: str, dice: random.Random) -> bytearray:
        files: Files = {name: bytearray()}
        for op in self.safe:
            apply(files, op)
        for op in self.loose:
            apply(files, op, dice)
        return files[name]


class Folder:
    """Which names a machine finds again: those of the last fsync of the folder, or newer ones by luck."""

    def __init__(self) -> None:
        self.now: dict[str, Inode] = {}
        self._possible: dict[str, list[Inode | None]] = {}

    def do(self, op: Op) -> None:
        if op.kind == "delete":
            self._name(op.file, None)
            self.now.pop(op.file, None)  # SQLite deletes a log that was never written too
            return
        if op.file == DIRECTORY:
            self._possible = {name: [inode] for name, inode in self.now.items()}
            return
        if op.file not in self.now:
            self.now[op.file] = Inode()
            self._name(op.file, self.now[op.file])
        inode = self.now[op.file]
        if op.kind != "sync":
            inode.loose.append(op)
            return
        fresh = not inode.safe
        inode.sync()
        if fresh and not op.file.endswith(FILE):  # SQLite syncs the folder with a new log's first fsync
            self.do(Op("sync", DIRECTORY))

    def after_the_loss(self, dice: random.Random) -> Files:
        files: Files = {}
        for name, candidates in self._possible.items():
            inode = dice.choice(candidates)
            if inode is not None:
                files[name] = inode.content(name, dice)
        return files

    def _name(self, name: str, inode: Inode | None) -> None:
        self._possible.setdefault(name, [None]).append(inode)


def powerless(run: Run, at: int, dice: random.Random) -> Files:
    """The machine has died after `at` ops."""
    folder = Folder()
    for op in run.ops[:at]:
        folder.do(op)
    return folder.after_the_loss(dice)


def check(run: Run, files: Files, at: int) -> None:
    """Opens what is left as the next start does."""
    with TemporaryDirectory() as folder, watched_disk(in_earnest=False):
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        store = Store(Path(folder))
        try:
            events = [entry.event for entry in store.head(0, 1_000_000, ALL)]
            (verdict,) = store._connection.execute("PRAGMA integrity_check").fetchone()
            store.append([RawEvent(b"after", b"k", (), 1)])
            assert store.level(0).records == len(events) + 1
        finally:
            store.close()
    found = [event.value for event in events]
    assert verdict == "ok"
    assert run.required(at) - set(found) == set(), "acknowledged and lost"
    assert set(found) - run.possible(at) == set(), "came back, or from nowhere"
    assert all(event == run.events[event.value] for event in events)
    assert found == sorted(found, key=lambda value: int(value.split()[0]))
    for batch in run.batches:
        if run.appended[batch[0]][1] > at:
            assert len(set(batch) & set(found)) in (0, len(batch)), "a commit is all or nothing"


@contextmanager
def small_database() -> Iterator[None]:
    """Folds the log in often, and gives disk back often, so that a short run meets both."""
    with pytest.MonkeyPatch.context() as patch:
        pragmas = [text for text in database.PRAGMAS if "autocheckpoint" not in text]
        patch.setattr(database, "PRAGMAS", (*pragmas, "wal_autocheckpoint = 6"))
        patch.setattr(store_module, "SHRINK_BYTES", 100_000)
        yield


Death = Callable[[Run, int, random.Random], Files]
DEATHS: dict[str, Death] = {
    "process": lambda run, at, dice: killed(run, at, dice.choice([0.0, 0.5, dice.random(), 0.999])),
    "machine": powerless,
}


def survives(run: Run, death: Death, seed: int, moments: int) -> None:
    dice = random.Random(seed)
    for _ in range(moments):
        at = dice.randrange(len(run.ops))
        check(run, death(run, at, dice), at + 1 if death is DEATHS["process"] else at)


@pytest.mark.parametrize("death", DEATHS)
@settings(max_examples=60, deadline=None)
@given(script=steps, seed=st.integers(0, 1 << 32))
def test_what_was_acknowledged_survives(death: str, script: list[tuple[int, int]], seed: int) -> None:
    with small_database():
        survives(perform(script), DEATHS[death], seed, moments=10)


SCRIPT = [(3, 2000), (2, 10), (0, 2), (4, 20_000), (-1, 0), (1, 70_000), (0, 3), (2, 0)]


@pytest.mark.parametrize("death", DEATHS)
def test_the_law_finds_a_store_that_acknowledges_too_early(
    death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if death == "machine":
        monkeypatch.setattr(database, "PRAGMAS", ("page_size = 16384", "synchronous = OFF"))
    else:
        monkeypatch.setattr(store_module, "transaction", late_transaction)
    run = perform(SCRIPT)
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="acknowledged and lost"):
        survives(run, DEATHS[death], seed=1, moments=500)


@contextmanager
def late_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits what came before, and leaves its own work to the next."""
    if connection.in_transaction:
        connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    yield


def test_a_log_may_break_off_at_any_byte_of_a_commit() -> None:
    run = perform([(2, 2000), (2, 2000), (2, 3000)])
    begin, end = run.appended[run.batches[-1][0]]
    writes = [number for number in range(begin, end) if run.ops[number].kind == "write"]
    assert len(writes) >= 2
    for number in writes:
        size = len(run.ops[number].data)
        for byte in sorted({*range(min(size, 40)), *range(0, size, 97), size - 1}):
            check(run, killed(run, number, byte / size), number + 1)


@settings(max_examples=200, deadline=None)
@given(tail=st.binary(max_size=100_000), kept=st.integers(0, 40_000))
def test_whatever_lies_behind_the_last_fsync_costs_nothing_before_it(tail: bytes, kept: int) -> None:
    """Blocks a file system gave to the log and did not fill: part of a commit, and then anything."""
    run = perform([(3, 2000), (2, 3000)])
    begin, _ = run.appended[run.batches[-1][0]]
    files: Files = {}
    for op in run.ops[:begin]:
        apply(files, op)
    log = f"{FILE}-wal"
    before = len(files[log])
    for op in run.ops[begin : run.appended[run.batches[-1][0]][1]]:
        apply(files, op)
    files[log] = files[log][: before + kept] + tail
    assert len(files[log]) >= before
    check(run, files, begin + 1)
