"""The audit's books: every raw record and every record of ours, in a temporary file.

A raw record is known by its place: partition and offset in one number. `seen` is its record time, the
greatest timestamp of its partition so far, by which the worker tells repeats (worker/duplicates.py).
"""

import re
import sqlite3
from binascii import unhexlify
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

from bridge.contract import Position
from processors.audit.findings import Kind

NOWHERE: Final = -1  # the place of a record without lineage
KINDS: Final = tuple(Kind)
REPLAYED: Final = 1 << len(KINDS)  # a flag in `had`, beside 1 << kind
SHIFT: Final = 40
_CACHE_KIB: Final = 65_536
_UUID: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TABLES: Final = (
    f"PRAGMA cache_size = -{_CACHE_KIB}",
    "PRAGMA journal_mode = OFF",
    "PRAGMA temp_store = FILE",
    "CREATE TABLE raw (place INTEGER PRIMARY KEY, key, time INT, seen INT, counts INT, had INT)",
    "CREATE TABLE ours (id, kind INT, field TEXT, place INT, lineage TEXT, time INT, topic TEXT, part INT, "
    "offset INT)",
)


class RawRow(NamedTuple):
    """A raw record. `counts`: 0 it lies before the audit's time, 1 it was processed, 2 not yet."""

    partition: int
    offset: int
    key: bytes | None
    time: int
    seen: int
    counts: int


class OurRow(NamedTuple):
    """A record of ours. `place`: of its raw record, or NOWHERE; `field`: of a dead letter, else empty."""

    event_id: bytes
    kind: Kind
    field: str
    place: int
    lineage: str | None
    time: int
    position: Position
    is_replay: bool


class Ledger:
    """To be filled with raw records first. About 250 bytes an event on disk, 64 MiB in memory."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)  # "": a file that nobody else sees
        for statement in _TABLES:
            self.database.execute(statement)

    def close(self) -> None:
        """Deletes the file."""
        self.database.close()

    def add_raw(self, rows: Iterable[RawRow]) -> None:
        """Takes raw records."""
        self._many(
            "INSERT OR IGNORE INTO raw VALUES (?, ?, ?, ?, ?, 0)",
            ((place_of(row.partition, row.offset), short(row.key), *row[3:]) for row in rows),
        )

    def add_ours(self, rows: Iterable[OurRow]) -> None:
        """Takes records that came of raw ones."""
        kept = list(rows)
        self._many(
            "INSERT INTO ours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((short(row.event_id), KINDS.index(row.kind), *row[2:6], *row.position) for row in kept),
        )
        self._many(
            "UPDATE raw SET had = had | ?2 WHERE place = ?1", ((row.place, _flag(row)) for row in kept)
        )

    def _many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self.database.execute("BEGIN")
        self.database.executemany(statement, rows)
        self.database.execute("COMMIT")


def place_of(partition: int, offset: int) -> int:
    """Partition and offset in one number, in their order."""
    return partition << SHIFT | offset


def position_of(place: int, topic: str) -> Position:
    """The place as a position."""
    return Position(topic, place >> SHIFT, place & (1 << SHIFT) - 1)


def short(key: bytes | None) -> bytes | str | None:
    """A key as it is kept: a uuid as its 16 bytes, anything else as a text."""
    if key is None:
        return None
    return unhexlify(key.replace(b"-", b"")) if _UUID.fullmatch(key) else key.decode("latin-1")


def long(kept: bytes | str | None) -> str:
    """The text of a key that is kept."""
    if kept is None:
        return "(no key)"
    return (
        str(UUID(bytes=kept))
        if isinstance(kept, bytes)
        else kept.encode("latin-1").decode("utf-8", "replace")
    )


def _flag(row: OurRow) -> int:
    if row.is_replay and row.kind is not Kind.DEAD_LETTER:
        return REPLAYED
    return 1 << KINDS.index(row.kind)
