"""The oracle: reads what lies in Kafka and says what of the ledger is lost, doubled, invented or altered."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from confluent_kafka import Message

from bridge.contract import CE_ID
from bridge.identity import event_id
from bridge.settings import KafkaSettings
from processors.topics.topic_scan import TopicScan
from tests.faults.ledger import digest, open_database

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stored (
    id BLOB NOT NULL,
    payload BLOB NOT NULL,
    sound INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (id, payload, sound)
) WITHOUT ROWID"""
SEE: Final = """
INSERT INTO stored (id, payload, sound, times) VALUES (?, ?, ?, 1)
ON CONFLICT DO UPDATE SET times = times + 1"""
ACCEPTED: Final = "SELECT DISTINCT id FROM tried WHERE accepted"
LOST: Final = "SELECT DISTINCT id FROM tried WHERE accepted AND id NOT IN (SELECT id FROM stored)"
INVENTED: Final = "SELECT DISTINCT id FROM stored WHERE id NOT IN (SELECT id FROM tried)"
# Known by its id, but not what was sent under it; or its key or header names another event.
ALTERED: Final = """
SELECT DISTINCT id FROM stored WHERE id IN (SELECT id FROM tried)
AND (NOT sound OR NOT EXISTS (SELECT 1 FROM tried t WHERE t.id = stored.id AND t.payload = stored.payload))"""
REPEATED: Final = "SELECT coalesce(sum(times), 0) - count(DISTINCT id) FROM stored"
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class RawVerdict:
    """Of the raw topic, in events. `records`: all; `repeated`: those beyond the first of their event, which
    may be.

    `examples`: some ids of each kind of fault.
    """

    accepted: int
    records: int
    lost: int
    invented: int
    altered: int
    repeated: int
    examples: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Whether what was accepted is what is stored."""
        return not (self.lost or self.invented or self.altered)


class RawOracle:
    """Sees the records of a raw topic, in any order, once each."""

    def __init__(self, path: Path) -> None:
        """`path`: of the ledger."""
        self._connection = open_database(path)
        self._connection.execute(SCHEMA)

    def see(self, messages: Iterable[Message]) -> None:
        """Takes records in."""
        with self._connection:
            self._connection.executemany(SEE, map(_sighting, messages))

    def verdict(self) -> RawVerdict:
        """Compares with the ledger, which must be written."""
        counts: dict[str, int] = {}
        examples: dict[str, list[str]] = {}
        for name, query in (("lost", LOST), ("invented", INVENTED), ("altered", ALTERED)):
            counts[name], examples[name] = found_by(self._connection, query)
        return RawVerdict(
            accepted=self._number(f"SELECT count(*) FROM ({ACCEPTED})"),
            records=self._number("SELECT coalesce(sum(times), 0) FROM stored"),
            repeated=self._number(REPEATED),
            examples={name: ids for name, ids in examples.items() if ids},
            **counts,
        )

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _number(self, query: str) -> int:
        (number,) = self._connection.execute(query).fetchone()
        return int(number)


def found_by(connection: sqlite3.Connection, query: str) -> tuple[int, list[str]]:
    """How many ids a query finds, and the first of them."""
    (number,) = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    rows = connection.execute(f"SELECT id FROM ({query}) LIMIT {EXAMPLES}").fetchall()
    return number, [str(UUID(bytes=row[0])) if isinstance(row[0], bytes) else hex(row[0]) for row in rows]


@contextmanager
def everything_in(servers: str, topics: Sequence[str]) -> Iterator[Iterator[list[Message]]]:
    """All records of topics, read committed, a batch at a time."""
    with closing(TopicScan(KafkaSettings(bootstrap_servers=servers), None)) as scan:
        missing = set(topics) - set(scan.open(topics))
        assert not missing, f"no topic {missing}"
        yield (messages for messages, _ in scan.batches())


def headers_of(message: Message) -> dict[str, str]:
    """The headers as text."""
    headers: Any = message.headers() or ()
    return {name: (value or b"").decode() for name, value in headers}


def _sighting(message: Message) -> tuple[bytes, bytes, bool]:
    value = message.value() or b""
    identity = event_id(value)
    sound = identity == (message.key() or b"").decode() == headers_of(message).get(CE_ID)
    return UUID(identity).bytes, digest(value), sound
