"""at_least_once: a batch's records are confirmed, then its offsets committed."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.settings import WorkerSettings
from processors.worker.batches import Batch
from processors.worker.delivery.base import NotDelivered, offsets, verdict
from processors.worker.delivery.outbox import Outbox

# What ends by itself: a broker away, a coordinator moving.
_TRANSIENT: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._WAIT_COORD,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
    }
)


class AtLeastOnce:
    """Records first, offsets after: for a broker without transactional offsets."""

    def __init__(
        self, kafka: KafkaSettings, worker: WorkerSettings, consumer: Consumer, patience: Patience
    ) -> None:
        # For ever: given up, a record may be stored all the same, and repeating it would double it.
        self._outbox = Outbox(kafka, patience, {"delivery.timeout.ms": 0})
        self._consumer = consumer
        self._patience = patience

    def open(self) -> None:
        """Nothing to prepare."""

    def deliver(self, records: Iterable[OutgoingRecord], batch: Batch) -> None:
        """See BatchDelivery."""
        try:
            self._outbox.put(records)
            self._outbox.confirm()
            self._patience.insist(
                lambda: self._consumer.commit(offsets=offsets(batch), asynchronous=False),
                lambda error: error.code() in _TRANSIENT,
                "committing offsets",
            )
        except KafkaException as exception:
            if exception.args[0].fatal() or exception.args[0].code() == KafkaError.FENCED_INSTANCE_ID:
                raise verdict(exception) from exception
            raise NotDelivered(self._outbox.reason(exception)) from exception
        finally:
            self._outbox.empty()

    def close(self) -> None:
        """Drops what is not confirmed; its offsets are not committed."""
        self._outbox.empty()
