"""Finds one event in the topics: its raw records by its key, what came of them by their lineage."""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing
from typing import Final, NamedTuple
from zlib import crc32

import click
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from bridge.contract import Position
from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.replay.reading import Span, TopicReader
from processors.replay.stable import wait_until_decided
from processors.topics.topic_scan import position_of
from processors.topics.watermarks import watermarks

_TIMEOUT_SECONDS: Final = 30.0


class RawCopy(NamedTuple):
    """A raw record; `seen`: the record time of its partition when it was written (worker/duplicates.py)."""

    message: Message
    position: Position
    seen: int


class Search:
    """Reads through topics. Every method raises click.ClickException where Kafka cannot be read."""

    def __init__(self, kafka: KafkaSettings, reader: TopicReader) -> None:
        self._kafka = kafka
        self._reader = reader

    def one(self, place: Position) -> Message | None:
        """The record there; None where it has expired, was not committed, or there is none."""
        config = {"group.id": "canvas-processors-scan", "enable.partition.eof": True, "log_level": 0}
        try:
            with closing(Consumer({**client_config(self._kafka), **config})) as consumer:
                part = TopicPartition(place.topic, place.partition)
                low, high = watermarks(consumer, part)
                if not low <= place.offset < high:
                    return None
                consumer.assign([TopicPartition(*place)])
                message = consumer.poll(_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise click.ClickException(
                f"{place} cannot be read: {error.args[0].str()}. Check the place, KAFKA_*, and whether the "
                "user may read the topic."
            ) from None
        found = message is not None and message.error() is None and message.offset() == place.offset
        return message if found else None

    def raw_copies(self, topic: str, key: bytes, span: Span, partition: int | None = None) -> list[RawCopy]:
        """Every raw record with the key, in the order they were written.

        `partition`: where they are known to be. Else they are looked for where the bridge's producer puts the
        key (librdkafka's default: CRC-32), and, if there are none, everywhere.
        """
        guess = crc32(key) % self._partitions(topic) if partition is None else partition
        copies = list(self._copies(topic, key, span, [guess]))
        if copies or partition is not None:
            return copies
        others = [number for number in range(self._partitions(topic)) if number != guess]
        return list(self._copies(topic, key, span, others))

    def records(
        self, topics: Sequence[str], since: int | None, wanted: Callable[[Message], bool]
    ) -> list[Message]:
        """The records of the topics that are wanted, once all that is there now is committed or aborted."""
        wait_until_decided(self._kafka, topics)
        return [
            message
            for messages in self._reader.batches(topics, Span(since), "Looking for what came of it")
            for message in messages
            if wanted(message)
        ]

    def _copies(self, topic: str, key: bytes, span: Span, partitions: Container[int]) -> Iterator[RawCopy]:
        seen: dict[int, int] = {}
        for messages in self._reader.batches([topic], span, "Looking for raw records", partitions):
            for message in messages:
                number = int(message.partition() or 0)
                seen[number] = max(seen.get(number, 0), message.timestamp()[1])
                if message.key() == key:
                    yield RawCopy(message, position_of(message), seen[number])

    def _partitions(self, topic: str) -> int:
        try:
            with closing(
                Consumer({**client_config(self._kafka), "group.id": "x", "log_level": 0})
            ) as consumer:
                return (
                    len(consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions) or 1
                )
        except KafkaException as error:
            raise click.ClickException(
                f"Kafka at {self._kafka.bootstrap_servers} cannot be reached: {error.args[0].str()}. "
                "Check KAFKA_*."
            ) from None
