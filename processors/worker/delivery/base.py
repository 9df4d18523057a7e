"""What a delivery is: how a batch's records and its raw offsets reach Kafka."""

from collections.abc import Iterable
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processors.records import OutgoingRecord
from processors.worker.batches import Batch
from processors.worker.raw_source import Evicted

TIMEOUT: Final = 10.0  # seconds of one attempt


class NotDelivered(Exception):
    """The batch does not count: its offsets have not moved. Read it again and repeat it."""


class BatchDelivery(Protocol):
    """A member of the family. Blocking; to be used from one thread."""

    def open(self) -> None:
        """Gets ready, waiting for Kafka as long as it takes. Raises Evicted, and NotDelivered at a stop."""

    def deliver(self, records: Iterable[OutgoingRecord], batch: Batch) -> None:
        """Stores all records and then, or with them, the batch's offsets; returns once Kafka has confirmed.

        Raises NotDelivered where nothing of it counts, and Evicted where this worker can do no more.
        """

    def close(self) -> None:
        """Lets go of what is not delivered."""


def offsets(batch: Batch) -> list[TopicPartition]:
    """What is to be committed, as librdkafka wants it."""
    return [TopicPartition(batch.topic, partition, end) for partition, end in batch.commits.items()]


def verdict(exception: KafkaException) -> Exception:
    """What an error means that ended all insisting."""
    error: KafkaError = exception.args[0]
    if error.fatal() or not error.retriable():
        return Evicted(f"Kafka shut this worker out: {error.str()}")
    return NotDelivered(f"stopped while Kafka was away: {error.str()}")
