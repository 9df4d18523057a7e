"""When the first records from given offsets on were received: how old a gap in a partition is."""

import time
from collections.abc import Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

Place = tuple[str, int]  # topic, partition


def first_times(reader: Consumer, starts: Sequence[TopicPartition], seconds: float) -> dict[Place, int]:
    """Per partition the timestamp (milliseconds) of the first record at or after its offset.

    Lacks the partitions that have none: what stands there are markers of transactions, or aborted records.
    `reader` must tell of the end of a partition (enable.partition.eof) and keeps this assignment. Raises
    KafkaException where not every partition has answered after so many seconds.
    """
    reader.assign(list(starts))
    try:
        return _read(reader, {(part.topic, part.partition) for part in starts}, time.monotonic() + seconds)
    finally:
        # A partition that is paused stays so in the next assignment.
        reader.resume([TopicPartition(part.topic, part.partition) for part in starts])


def _read(reader: Consumer, waiting: set[Place], limit: float) -> dict[Place, int]:
    times: dict[Place, int] = {}
    while waiting:
        message = reader.poll(max(0.0, limit - time.monotonic()))
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        error = message.error()
        place = cast("str", message.topic()), cast("int", message.partition())
        if error is None:
            times.setdefault(place, message.timestamp()[1])
            reader.pause([TopicPartition(*place)])
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            waiting.discard(place)
    return times
