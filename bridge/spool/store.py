"""The records of a spool, in order of arrival: what is done with its database.

Every method blocks, and raises sqlite3.Error where the disk fails. One thread calls them.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from bridge.contract import Headers, RawEvent
from bridge.spool.database import FILE, connect, transaction
from bridge.spool.directory import DirectoryLock, SpoolUnusable

SHRINK_BYTES: Final = 16 * 1_048_576  # an empty file above that size is given back to the disk


class Entry(NamedTuple):
    """A record in the spool; ids grow in order of arrival."""

    id: int
    event: RawEvent


class Level(NamedTuple):
    """Records, the bytes of disk they take, and when the oldest was received (ms since the epoch)."""

    records: int
    bytes: int
    oldest: int | None


class Store:
    """The records of one directory. Raises SpoolUnusable where another process has it, or it is damaged."""

    def __init__(self, directory: Path) -> None:
        self._lock = DirectoryLock(directory)
        self._directory = directory
        self._is_open = True
        self._owed: set[int] = set()  # ids: passed over, and still in the file
        try:
            self._connection = connect(directory)
            (self._records,) = self._connection.execute("SELECT count(*) FROM records").fetchone()
        except (sqlite3.Error, OSError, SpoolUnusable) as error:
            self._lock.release()
            if isinstance(error, SpoolUnusable):
                raise
            raise SpoolUnusable(
                f"cannot open the spool {directory / FILE}: {error}. It may hold accepted events: mend the "
                "disk, or move the directory aside (`sqlite3 spool.db .recover` saves what can be saved)."
            ) from error

    def append(self, events: Sequence[RawEvent]) -> None:
        """Adds records after all others, all or none. On return they are on disk."""
        rows = [(event.received_at, event.key, pack(event.headers), event.value) for event in events]
        with transaction(self._database()):
            self._database().executemany(
                "INSERT INTO records (received_at, key, headers, value) VALUES (?, ?, ?, ?)", rows
            )
        self._records += len(rows)

    def head(self, after: int, most: int, size: int) -> list[Entry]:
        """The first records behind the id `after`: at most so many, and about `size` bytes."""
        cursor = self._database().execute(
            "SELECT id, value, key, headers, received_at FROM records WHERE id > ? ORDER BY id", (after,)
        )
        entries: list[Entry] = []
        for number, value, key, headers, received_at in cursor:
            if number in self._owed:
                continue
            entries.append(Entry(number, RawEvent(value, key, unpack(headers), received_at)))
            size -= len(value)
            if size <= 0 or len(entries) == most:
                break
        cursor.close()
        return entries

    def remove(self, ids: Sequence[int]) -> None:
        """Takes records out, all or none.

        On a full disk not even that can be written. Then they are passed over, and deleted once there is
        room, or with the whole file once no other is left in it. A crash before that brings them back.
        """
        try:
            self._delete([*self._owed, *ids])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            self._owed.update(ids)
            if len(self._owed) == self._records:
                self._start_over()
        if not self._records:
            with suppress(sqlite3.Error):  # only the disk's room is at stake
                self._shrink()

    def _delete(self, ids: Sequence[int]) -> None:
        with transaction(self._database()):
            removed = self._database().executemany(
                "DELETE FROM records WHERE id = ?", [(id_,) for id_ in ids]
            )
        self._records -= removed.rowcount
        self._owed.clear()

    def _start_over(self) -> None:
        self._connection.close()
        self._is_open = False
        for path in self._directory.glob(f"{FILE}*"):
            path.unlink()
        self._records = 0
        self._owed.clear()
        self._database()

    def _database(self) -> sqlite3.Connection:
        if not self._is_open:
            self._connection = connect(self._directory)
            self._is_open = True
        return self._connection

    def full(self) -> bool:
        """Whether records were passed over for want of room."""
        return bool(self._owed)

    def level(self, after: int) -> Level:
        """How full it is, and the oldest of those behind the id `after`."""
        cursor = self._database().execute(
            "SELECT id, received_at FROM records WHERE id > ? ORDER BY id", (after,)
        )
        oldest = next((received_at for number, received_at in cursor if number not in self._owed), None)
        cursor.close()
        used = self._number("page_count") - self._number("freelist_count")
        size = used * self._number("page_size") if self._records else 0
        return Level(self._records - len(self._owed), size, oldest)

    def close(self) -> None:
        """Folds the log into the file and lets another process have the directory."""
        self._connection.close()
        self._lock.release()

    def _shrink(self) -> None:
        if self._number("page_count") * self._number("page_size") > SHRINK_BYTES:
            self._database().execute("VACUUM")
            self._database().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _number(self, pragma: str) -> int:
        (number,) = self._database().execute(f"PRAGMA {pragma}").fetchone()
        return int(number)


def pack(headers: Headers) -> bytes:
    """Headers as bytes: JSON, each byte of a value as the character of that number."""
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers])


def unpack(packed: bytes) -> Headers:
    """The headers again, byte for byte and in order."""
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(packed))
