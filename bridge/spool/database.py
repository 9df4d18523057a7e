"""The SQLite database of a spool: how it is made, opened and looked into.

SQLite because it comes with Python, and because what a crash leaves of it is specified and tested by
others. In WAL mode with synchronous=FULL a commit is one append to the log and one fsync; a log that
broke off anywhere is read up to its last whole commit.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from bridge.spool.directory import SpoolUnusable

FILE: Final = "spool.db"
VERSION: Final = 1
BUSY_SECONDS: Final = 5.0  # `canvas-bridge spool status` may be reading
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    key BLOB,
    headers BLOB NOT NULL,
    value BLOB NOT NULL
)"""
PRAGMAS: Final = (
    "page_size = 16384",  # an event fills half of a smaller page and wastes the rest
    "synchronous = FULL",
    "fullfsync = ON",  # where an fsync alone does not reach the disk (macOS)
    "wal_autocheckpoint = 256",  # pages, 4 MiB
    "journal_size_limit = 8388608",
    "temp_store = MEMORY",
)


def connect(directory: Path) -> sqlite3.Connection:
    """Opens the database, and makes it where there is none. Raises SpoolUnusable, sqlite3.Error, OSError."""
    path = directory / FILE
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # events are nobody else's
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    sync_names(directory)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Once the block has ended it is on disk."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def look_into(directory: Path) -> tuple[int, int | None]:
    """How many records there are, and when the oldest was received (ms since the epoch), beside its process.

    Raises SpoolUnusable where there is no spool.
    """
    path = directory / FILE
    try:
        # Read-only: a second writer's checkpoint at its end would be one too many.
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", timeout=BUSY_SECONDS, uri=True)
        ) as reader:
            records, oldest = reader.execute("SELECT count(*), min(received_at) FROM records").fetchone()
    except sqlite3.Error as error:
        raise SpoolUnusable(
            f"cannot read the spool {path}: {error}. Name the directory of a webhook."
        ) from error
    return records, oldest


def sync_names(directory: Path) -> None:
    """Makes the names of new files last."""
    for folder in (directory, directory.resolve().parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise SpoolUnusable(
            "the file system of BRIDGE_SPOOL__DIRECTORY has no shared memory: use a local disk."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise SpoolUnusable(
            f"the spool was written by a newer canvas-bridge (format {version}, this one knows {VERSION}): "
            "drain it with that one."
        )
    with transaction(connection):
        connection.execute(SCHEMA)
        if version < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")
