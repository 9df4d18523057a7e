"""The events that a replay is to write, and which of them are there already: on disk, in bounded memory."""

import sqlite3
from collections.abc import Iterable, Mapping
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from bridge.contract import CE_ID, Headers
from processors.fan_out import ERRORS

Place = tuple[str, bytes]  # topic, identity
_CACHE_KIB: Final = 65_536


class State(IntEnum):
    """Of an event in a topic."""

    MISSING = 0
    THERE = 1  # before this run
    CLAIMED = 2  # by this run
    LATE = 3  # it has come since this run looked


def identity(headers: Headers, key: bytes | None) -> bytes | None:
    """What makes a record of a typed, unknown or dead letter topic that of one event; None: nothing does.

    The ce_id of a typed record is its event_id. A dead letter has the ce_id of its delivery, of which it is
    one event: the place of the failure tells which.
    """
    named: Mapping[str, bytes | None] = dict(headers)
    if f"{ERRORS}reason" in named:
        return (key or b"") + b" " + (named.get(f"{ERRORS}field") or b"")
    return named.get(CE_ID)


class Wanted:
    """Events by topic and identity. A temporary file of about 40 MB a million; 64 MiB of it in memory.

    An identity is kept as 128 bits of its hash: of a thousand million events no two are taken for one.
    """

    def __init__(self) -> None:
        self._topics: dict[str, int] = {}
        self._database = sqlite3.connect("", isolation_level=None)  # "": a file that nobody else sees
        for statement in (
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE event (identity BLOB, topic INT, state INT, PRIMARY KEY (identity, topic)) "
            "WITHOUT ROWID",
            "BEGIN",  # and no end: nothing of it is ever to be found again
        ):
            self._database.execute(statement)

    def close(self) -> None:
        """Deletes the file."""
        self._database.close()

    def want(self, places: Iterable[Place]) -> None:
        """These are to be written; wanted twice they are one."""
        self._many("INSERT OR IGNORE INTO event VALUES (?1, ?2, 0)", places)

    def note(self, places: Iterable[Place]) -> None:
        """These are there already."""
        self._many("UPDATE event SET state = 1 WHERE identity = ?1 AND topic = ?2 AND state = 0", places)

    def claim(self, place: Place) -> State:
        """MISSING, once: whoever gets it must write the event."""
        found = self._database.execute(
            "SELECT state FROM event WHERE identity = ?1 AND topic = ?2", self._key(place)
        ).fetchone()
        state = State(found[0]) if found else State.LATE
        if state is State.MISSING:
            self._many("UPDATE event SET state = 2 WHERE identity = ?1 AND topic = ?2", (place,))
        return state

    def _many(self, statement: str, places: Iterable[Place]) -> None:
        self._database.executemany(statement, map(self._key, places))

    def _key(self, place: Place) -> tuple[bytes, int]:
        topic, name = place
        return blake2b(name, digest_size=16).digest(), self._topics.setdefault(topic, len(self._topics))
