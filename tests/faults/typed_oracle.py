"""The oracle of the whole chain: what must have come of every raw record, and what lies on the other topics.

It converts the raw records itself, in this process and without any fault, and expects of each record that it,
or a repeat of it, came out exactly once: typed, unknown or dead-lettered, byte for byte.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

from confluent_kafka import Message

from bridge.contract import Headers, Position, RawEvent
from bridge.settings import SchemaRegistrySettings
from processors.catalogue import load_catalogue
from processors.fan_out import ERRORS, LINEAGE, FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.registry import schema_ids
from tests.faults.ledger import digest, open_database
from tests.faults.oracle import found_by, headers_of

SCHEMA: Final = (
    """
CREATE TABLE IF NOT EXISTS expected (
    place INTEGER NOT NULL,
    outcome BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (place, outcome)
) WITHOUT ROWID""",
    """
CREATE TABLE IF NOT EXISTS came (
    place INTEGER NOT NULL,
    outcome BLOB NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (place, outcome)
) WITHOUT ROWID""",
)
EXPECT: Final = "INSERT OR IGNORE INTO expected (place, outcome, id) VALUES (?, ?, ?)"
CAME: Final = """
INSERT INTO came (place, outcome, times) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1"""
# Of the accepted, those of which no raw record, or no repeat of it, has come out.
LOST: Final = """
SELECT DISTINCT id FROM tried WHERE accepted AND id NOT IN
(SELECT e.id FROM expected e JOIN came c ON c.place = e.place)"""
INVENTED: Final = "SELECT DISTINCT place AS id FROM came WHERE place NOT IN (SELECT place FROM expected)"
ALTERED: Final = """
SELECT DISTINCT place AS id FROM came c WHERE place IN (SELECT place FROM expected) AND NOT EXISTS
(SELECT 1 FROM expected e WHERE e.place = c.place AND e.outcome = c.outcome)"""
# A delivery with several events comes out as several records, once.
DOUBLED: Final = """
SELECT id FROM
  (SELECT id, place, count(*) AS wanted FROM expected GROUP BY id, place) e
  JOIN (SELECT place, sum(times) AS times FROM came GROUP BY place) c USING (place)
GROUP BY id HAVING sum(times) > max(wanted)"""
PARTITION_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class TypedVerdict:
    """Of the topics behind the raw one. `records`: how many lie there, read committed; the rest in events."""

    records: int
    lost: int
    doubled: int
    invented: int
    altered: int
    examples: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Whether every accepted event came out exactly once, as it must."""
        return not (self.lost or self.doubled or self.invented or self.altered)


class TypedOracle:
    """Sees first the records of the raw topic, then those of all others."""

    def __init__(self, path: Path, prefix: str, registry_url: str) -> None:
        """`path`: of the ledger. Asks the registry for the ids of the schemas."""
        self._connection = open_database(path)
        for table in SCHEMA:
            self._connection.execute(table)
        names, catalogue = TopicNames(prefix), load_catalogue()
        ids = schema_ids(catalogue, names, SchemaRegistrySettings(url=registry_url))
        self._pipeline = Pipeline(catalogue, FanOut(catalogue, names, ids))
        self.topics = [*(names.typed(name) for name in catalogue.events), names.unknown, names.dead_letter]

    def expect(self, messages: Sequence[Message]) -> None:
        """Takes raw records in."""
        with self._connection:
            self._connection.executemany(EXPECT, self._outcomes(messages))

    def see(self, messages: Iterable[Message]) -> None:
        """Takes records of the other topics in."""
        with self._connection:
            self._connection.executemany(CAME, (_came(message) for message in messages))

    def verdict(self) -> TypedVerdict:
        """Compares with the ledger, which must be written."""
        queries = {"lost": LOST, "doubled": DOUBLED, "invented": INVENTED, "altered": ALTERED}
        found = {name: found_by(self._connection, query) for name, query in queries.items()}
        (records,) = self._connection.execute("SELECT coalesce(sum(times), 0) FROM came").fetchone()
        return TypedVerdict(
            records=records,
            examples={name: examples for name, (_, examples) in found.items() if examples},
            **{name: number for name, (number, _) in found.items()},
        )

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _outcomes(self, messages: Iterable[Message]) -> Iterator[tuple[int, bytes, bytes]]:
        for message in messages:
            raw = raw_event(message)
            assert raw.position is not None
            place = _place(raw.position.partition, raw.position.offset)
            for outcome in self._pipeline.run(raw):
                yield place, _outcome(outcome.outgoing), UUID((raw.key or b"").decode()).bytes


def raw_event(message: Message) -> RawEvent:
    """A record of the raw topic, as the worker reads it."""
    position = Position(str(message.topic()), cast("int", message.partition()), cast("int", message.offset()))
    headers = cast("Headers", tuple(message.headers() or ()))
    return RawEvent(message.value() or b"", message.key(), headers, message.timestamp()[1], position)


def _outcome(record: OutgoingRecord) -> bytes:
    return digest(
        b"%b\0%b\0%d\0%b" % (record.topic.encode(), record.key or b"", record.timestamp, record.value)
    )


def _came(message: Message) -> tuple[int, bytes]:
    record = OutgoingRecord(
        str(message.topic()), message.key(), message.value() or b"", (), message.timestamp()[1]
    )
    return _origin(headers_of(message)), _outcome(record)


def _origin(headers: Mapping[str, Any]) -> int:
    """Where the raw record lies that this one was made of: by the lineage, or by what a dead letter says."""
    if LINEAGE in headers:
        _, partition, offset = str(headers[LINEAGE]).rsplit("/", 2)
        return _place(int(partition), int(offset))
    return _place(int(headers[f"{ERRORS}partition"]), int(headers[f"{ERRORS}offset"]))


def _place(partition: int, offset: int) -> int:
    return partition << PARTITION_BITS | offset
