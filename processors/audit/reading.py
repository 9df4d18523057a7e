"""Fills the ledger from the topics, read committed, and finds out how far the workers are."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import click
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from bridge.contract import CE_ID
from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.audit.findings import Findings, Kind
from processors.audit.ledger import NOWHERE, Ledger, OurRow, RawRow, place_of
from processors.audit.sums import Terms, add_up
from processors.catalogue import Catalogue
from processors.fan_out import ERRORS, LINEAGE
from processors.names import TopicNames
from processors.replay.reading import Span, TopicReader
from processors.replay.redelivery import FROM
from processors.replay.retention import kept_since
from processors.replay.stable import wait_until_decided
from processors.topics.topic_scan import position_of
from processors.topics.watermarks import watermarks

_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be audited. `window`: of duplicates, milliseconds; `limit`: of every list of findings."""

    kafka: KafkaSettings
    group_id: str
    window: int
    span: Span
    limit: int


@dataclass(slots=True)
class Audit:
    """One audit. Raises click.ClickException where Kafka cannot be read or a topic is missing."""

    question: Question
    catalogue: Catalogue
    _names: TopicNames = field(init=False)
    _kinds: dict[str, Kind] = field(init=False)

    def __post_init__(self) -> None:
        self._names = TopicNames(self.question.kafka.topic_prefix)
        self._kinds = {self._names.typed(name): Kind.TYPED for name in self.catalogue.events}
        self._kinds |= {self._names.unknown: Kind.UNKNOWN, self._names.dead_letter: Kind.DEAD_LETTER}

    def run(self) -> Findings:
        """The findings."""
        question = self.question
        # First how far the workers are: what came of records before that is there, once it is decided.
        _, ends = raw_bounds(question.kafka, question.group_id, self._names.raw)
        with closing(Ledger()) as ledger, TopicReader(question.kafka) as reader:
            wait_until_decided(question.kafka, list(self._kinds))
            self._read_raw(reader, ledger, ends)
            for messages in reader.batches(list(self._kinds), question.span, "Reading what came of it"):
                ledger.add_ours(our_row(message, self._kinds, self._names.raw) for message in messages)
            # Last what has expired: else a record that expires while it is read would be looked for.
            lows, _ = raw_bounds(question.kafka, question.group_id, self._names.raw)
            kept = max(kept_since(question.kafka, self._kinds).values(), default=0)
            return add_up(ledger, Terms(self._names.raw, question.window, lows, ends, question.limit, kept))

    def _read_raw(self, reader: TopicReader, ledger: Ledger, ends: dict[int, int]) -> None:
        since, until = self.question.span
        # The window before, for what is a repeat of it.
        begin = None if since is None else max(0, since - self.question.window)
        seen: dict[int, int] = {}
        for messages in reader.batches([self._names.raw], Span(begin, until), "Reading raw records"):
            ledger.add_raw(_raw_rows(messages, seen, ends, since or 0))


def raw_bounds(kafka: KafkaSettings, group_id: str, topic: str) -> tuple[dict[int, int], dict[int, int]]:
    """Per partition: the first offset that is still there, and the first that the group has not processed."""
    config = {**client_config(kafka), "group.id": group_id, "log_level": 0}
    try:
        with closing(Consumer(config)) as consumer:
            numbers = consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions
            parts = [TopicPartition(topic, number) for number in numbers]
            lows = {part.partition: watermarks(consumer, part)[0] for part in parts}
            committed = consumer.committed(parts, timeout=_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise click.ClickException(
            f"Kafka at {kafka.bootstrap_servers} does not say how far the group {group_id} is: "
            f"{error.args[0].str()}. Check KAFKA_* and PROCESSORS_GROUP_ID, and whether the user may "
            "describe the group."
        ) from None
    # A group that has committed nothing has an offset below 0.
    return lows, {part.partition: max(part.offset, lows[part.partition]) for part in committed}


def our_row(message: Message, kinds: dict[str, Kind], raw_topic: str) -> OurRow:
    """A typed, unknown or dead letter record as the ledger takes it."""
    headers: dict[str, bytes | None] = dict(message.headers() or ())  # type: ignore[arg-type]
    position = position_of(message)
    kind = kinds[position.topic]
    if kind is Kind.DEAD_LETTER:
        told = [headers.get(ERRORS + name) for name in ("topic", "partition", "offset")]
        lineage = "/".join(_text(part) for part in told) if all(told) else None
        event_id, place = message.key() or b"", _text(headers.get(ERRORS + "field"))
    else:
        lineage = _text(headers.get(LINEAGE)) or None
        event_id, place = headers.get(CE_ID) or b"", ""
    time = message.timestamp()[1]
    return OurRow(event_id, kind, place, _place(lineage, raw_topic), lineage, time, position, FROM in headers)


def _raw_rows(
    messages: Sequence[Message], seen: dict[int, int], ends: dict[int, int], since: int
) -> Iterator[RawRow]:
    for message in messages:
        partition, offset, time = (
            int(message.partition() or 0),
            int(message.offset() or 0),
            message.timestamp()[1],
        )
        record_time = seen[partition] = max(seen.get(partition, 0), time)
        counts = 0 if time < since else 1 if offset < ends.get(partition, 0) else 2
        yield RawRow(partition, offset, message.key(), time, record_time, counts)


def _place(lineage: str | None, raw_topic: str) -> int:
    """Of the raw record; NOWHERE where the text is none of our raw topic."""
    topic, _, rest = (lineage or "").partition("/")
    partition, _, offset = rest.partition("/")
    if topic != raw_topic or not (partition.isdecimal() and offset.isdecimal()):
        return NOWHERE
    return place_of(int(partition), int(offset))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
