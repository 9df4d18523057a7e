"""The ledger: every payload that was shown to a door, and which of them a door has answered for.

On disk, in SQLite, so that a million events cost no memory. An event is its event_id; a payload is the hash
of what may lie in Kafka of it, so after redaction. One event may have several payloads: a duplicate with its
keys in another order, a retry that was signed anew.
"""

import sqlite3
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Final
from uuid import UUID

from bridge.identity import event_id
from bridge.redact import redact
from bridge.sandbox.delivery import Delivery
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import Answer

BATCH: Final = 1000
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tried (
    id BLOB NOT NULL,
    payload BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    PRIMARY KEY (id, payload)
) WITHOUT ROWID"""
NOTE: Final = """
INSERT INTO tried (id, payload, accepted) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET accepted = max(accepted, excluded.accepted)"""

Entry = tuple[bytes, bytes, bool]


def digest(value: bytes) -> bytes:
    """Of a payload, 16 bytes."""
    return blake2b(value, digest_size=16).digest()


def open_database(path: Path) -> sqlite3.Connection:
    """The file of a run. Fast and not crash-safe: a run that breaks off proves nothing anyway."""
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


class Ledger(Receipts):
    """What `deliver` tells, kept. Written by the thread of the load, read by others.

    `refused` counts tries by door and answer: a status, or the name of what happened to the connection.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._connection = open_database(path)
        self._connection.execute(SCHEMA)
        self._lock = threading.Lock()
        self._pending: list[Entry] = []

    def accept(self, door: str, delivery: Delivery, answer: Answer) -> None:
        """A door, or its queue, has answered for the delivery."""
        self.accepted[door] += 1
        self._note(answer, accepted=True)

    def refuse(self, door: str, answer: Answer, *, last: bool) -> None:
        """A try was refused, or nobody knows what became of it: it may be stored all the same."""
        super().refuse(door, answer, last=last)
        self._note(answer, accepted=False)

    def tries(self, *, answered: bool) -> int:
        """Tries that a door refused with a status, or those that ended without an answer."""
        return sum(
            tries for (_, status), tries in list(self.refused.items()) if status.isdecimal() == answered
        )

    def flush(self) -> None:
        """What was noted is in the file."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """Lets go of the file."""
        self.flush()
        self._connection.close()

    def _note(self, answer: Answer, *, accepted: bool) -> None:
        value = redact(answer.payload)
        with self._lock:
            self._pending.append((UUID(event_id(value)).bytes, digest(value), accepted))
            if len(self._pending) >= BATCH:
                self._write()

    def _write(self) -> None:
        with self._connection:
            self._connection.executemany(NOTE, self._pending)
        self._pending.clear()
