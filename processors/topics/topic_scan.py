"""Reads topics from a point in time to where they ended when it began. Joins no group, commits nothing."""

import time
from collections.abc import Container, Iterator, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import TopicMetadata  # type: ignore[attr-defined]  # its stubs re-export nothing

from bridge.contract import Position
from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.topics.watermarks import watermarks

_TIMEOUT_SECONDS: Final = 30.0
_BATCH: Final = 1000
_GROUP: Final = "canvas-processors-scan"
_AHEAD_BYTES: Final = 16 * 1_048_576
_MOCK_CLUSTER: Final = "mockCluster"  # it cannot look up times and answers "the end"


class ScanFailed(Exception):
    """Kafka cannot be read. The message names the setting, the cause and the remedy."""


class TopicScan:
    """One pass over topics, read committed. To be closed.

    `since`, `until`: milliseconds since the epoch; records with an earlier timestamp than `since`, or one not
    earlier than `until`, are left out. Every method raises ScanFailed.
    """

    def __init__(self, settings: KafkaSettings, since: int | None, until: int | None = None) -> None:
        self._servers = settings.bootstrap_servers
        self._since = since
        self._until = until
        self._reason = ""
        own: dict[str, Any] = {
            "group.id": _GROUP,  # asked for by librdkafka, never joined
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            # Else librdkafka reads hundreds of megabytes ahead, and once it has, pauses for a second.
            "fetch.max.bytes": _AHEAD_BYTES,
            "queued.max.messages.kbytes": _AHEAD_BYTES // 1024,
            "fetch.queue.backoff.ms": 10,
            "error_cb": self._note,  # what librdkafka would log is said once, in ScanFailed
            "log_level": 0,
        }
        try:
            self._consumer = Consumer({**client_config(settings), **own})
        except KafkaException as error:
            raise ScanFailed(f"KAFKA_*: {_text(error)}") from None
        self._ends: dict[tuple[str, int], int] = {}
        self.size = 0  # offsets to read, an upper bound of the records

    def close(self) -> None:
        """Lets go of the connection."""
        self._consumer.close()

    def open(self, topics: Sequence[str], partitions: Container[int] | None = None) -> list[str]:
        """Finds where to begin and to end; the topics that exist, in the order given.

        `partitions`: of each topic these alone; None: all.
        """
        try:
            metadata = self._consumer.list_topics(timeout=_TIMEOUT_SECONDS)
            found = [name for name in topics if _exists(metadata.topics.get(name))]
            places = [
                TopicPartition(name, number)
                for name in found
                for number in metadata.topics[name].partitions
                if partitions is None or number in partitions
            ]
            mock = str(metadata.cluster_id).startswith(_MOCK_CLUSTER)
            begins = [begin for place in places for begin in self._range(place)]
            self._consumer.assign(begins if mock else self._at_time(begins))
        except KafkaException as error:
            self._consumer.poll(0)
            raise self._away(_text(error)) from None
        return found

    def batches(self) -> Iterator[tuple[list[Message], int]]:
        """Messages as they come, and how many of `size` are done with them."""
        done = 0
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._ends:
            messages: list[Message] = []
            for message in self._consumer.consume(_BATCH, 1.0):
                deadline = time.monotonic() + _TIMEOUT_SECONDS
                if self._is_wanted(message):
                    messages.append(message)
            if time.monotonic() > deadline:
                raise self._away(f"no answer for {_TIMEOUT_SECONDS:.0f} s")
            done += len(messages)
            began = time.monotonic()
            yield messages, self.size if not self._ends else min(done, self.size)
            deadline += time.monotonic() - began  # what is made of them takes its own time

    def _range(self, place: TopicPartition) -> Iterator[TopicPartition]:
        """The beginning of the partition, where there is anything in it; notes where it ends."""
        low, high = watermarks(self._consumer, place)
        if low < high:
            self._ends[place.topic, place.partition] = high
            self.size += high - low
            yield TopicPartition(place.topic, place.partition, low)

    def _at_time(self, begins: list[TopicPartition]) -> list[TopicPartition]:
        """The partitions from the time to begin at; those without so young a record are done with."""
        if self._since is None or not begins:
            return begins
        asked = [TopicPartition(place.topic, place.partition, self._since) for place in begins]
        found: list[TopicPartition] = []
        for low, place in zip(
            begins, self._consumer.offsets_for_times(asked, timeout=_TIMEOUT_SECONDS), strict=True
        ):
            end = self._ends[place.topic, place.partition]
            begin = min(end, max(low.offset, place.offset)) if place.offset != OFFSET_END else end
            self.size -= begin - low.offset
            if begin < end:
                found.append(TopicPartition(place.topic, place.partition, begin))
            else:
                del self._ends[place.topic, place.partition]
        return found

    def _is_wanted(self, message: Message) -> bool:
        place, error = (str(message.topic()), int(message.partition() or 0)), message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise self._away(error.str())
            self._ends.pop(place, None)
            return False
        offset, end = int(message.offset() or 0), self._ends.get(place, 0)
        if offset + 1 >= end:
            self._ends.pop(place, None)
        return offset < end and self._is_in_time(message.timestamp()[1])

    def _is_in_time(self, timestamp: int) -> bool:
        return (self._since is None or timestamp >= self._since) and (
            self._until is None or timestamp < self._until
        )

    def _note(self, error: KafkaError) -> None:
        self._reason = error.str()

    def _away(self, cause: str) -> ScanFailed:
        return ScanFailed(
            f"Kafka at {self._servers} cannot be read: {self._reason or cause}. Check "
            "KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* and KAFKA_SSL_*, and whether the "
            f"user may read our topics and describe the group {_GROUP}."
        )


def position_of(message: Message) -> Position:
    """Where a record lies."""
    return Position(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))


def _exists(topic: TopicMetadata | None) -> bool:
    return topic is not None and not topic.error


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
