"""Where to begin reading a partition, so that the duplicate window is full at the committed offset."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from processors.patience import Patience
from processors.worker.client_logs import LIBRDKAFKA
from processors.worker.first_times import first_times

log = logging.getLogger(__name__)

TIMEOUT = 10.0
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Start:
    """Offsets of one partition: what is read begins at `read_from`, what is processed at `live_from`."""

    read_from: int
    live_from: int


class RawHistory:
    """Asks Kafka where a partition's committed offset and the beginning of its window lie.

    `config`: that of the raw consumer. `window`: milliseconds of record time.
    """

    def __init__(self, config: Mapping[str, Any], window: int, patience: Patience) -> None:
        own = {"enable.partition.eof": True, "queued.max.messages.kbytes": 1024}
        self._config = {name: value for name, value in config.items() if name != "group.instance.id"} | own
        self._window = window
        self._patience = patience

    def starts(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> dict[int, Start]:
        """The start of every partition. Waits while Kafka is away; raises KafkaException at a stop."""
        if not partitions:
            return {}
        committed = self._ask(lambda: _sound(consumer.committed(list(partitions), timeout=TIMEOUT)))
        ranges = {part.partition: self._range(consumer, part) for part in committed}
        live_from = {part.partition: _live_from(part, *ranges[part.partition]) for part in committed}
        looked_up = [
            TopicPartition(part.topic, part.partition, live_from[part.partition] - 1)
            for part in committed
            if self._window and live_from[part.partition] > ranges[part.partition][0]
        ]
        read_from = live_from | self._windows(consumer, looked_up)
        return {partition: Start(read_from[partition], live) for partition, live in live_from.items()}

    def _windows(self, consumer: Consumer, lasts: list[TopicPartition]) -> dict[int, int]:
        """For the last committed record of each partition: the offset at which its window begins."""
        times = self._ask(lambda: self._times(lasts)) if lasts else {}
        if not times:
            return {}
        wanted = [
            TopicPartition(lasts[0].topic, number, time - self._window) for number, time in times.items()
        ]
        found = self._ask(lambda: _sound(consumer.offsets_for_times(wanted, timeout=TIMEOUT)))
        # A broker that cannot look up times (librdkafka's mock) answers "the end": then all of it is read.
        return {
            part.partition: part.offset if part.offset >= 0 else self._range(consumer, part)[0]
            for part in found
        }

    def _times(self, lasts: list[TopicPartition]) -> dict[int, int]:
        """The timestamps of the records at these offsets, or of the next ones where there is none."""
        reader = Consumer(self._config, logger=LIBRDKAFKA)
        try:
            found = first_times(reader, lasts, 3 * TIMEOUT)
            return {partition: time for (_, partition), time in found.items()}
        finally:
            reader.close()

    def _range(self, consumer: Consumer, part: TopicPartition) -> tuple[int, int]:
        place = TopicPartition(part.topic, part.partition)
        low, high = self._ask(lambda: consumer.get_watermark_offsets(place, timeout=TIMEOUT))
        return low, high

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        # Every error is waited out: an assignment without its offsets would lose records or double them.
        return self._patience.insist(question, lambda _: True, "asking Kafka for offsets")


def _sound(parts: list[TopicPartition]) -> list[TopicPartition]:
    """The same parts. Raises KafkaException where one of them carries an error."""
    for part in parts:
        if part.error is not None:
            raise KafkaException(part.error)
    return parts


def _live_from(committed: TopicPartition, low: int, high: int) -> int:
    if committed.offset == OFFSET_INVALID:
        return low
    if not low <= committed.offset <= high:
        log.error(
            "%s/%s: the committed offset %s lies outside of the log (%s to %s): raw records expired or were "
            "deleted before they were processed. Going on at %s; lengthen the raw topic's retention.",
            *(committed.topic, committed.partition, committed.offset, low, high, low),
        )
        return low
    return committed.offset
