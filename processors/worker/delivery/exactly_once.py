"""exactly_once: a batch's records and offsets in one Kafka transaction."""

from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.settings import WorkerSettings
from processors.worker.batches import Batch
from processors.worker.delivery.base import TIMEOUT, NotDelivered, offsets, verdict
from processors.worker.delivery.outbox import Outbox
from processors.worker.raw_source import Evicted


class ExactlyOnce:
    """One Kafka transaction per batch. The transactional id is the worker's name in its group."""

    def __init__(self, kafka: KafkaSettings, worker: WorkerSettings, _: Consumer, patience: Patience) -> None:
        timeout = int(worker.transaction_timeout_seconds * 1000)
        name = f"{worker.group_id}-{worker.instance_id}"
        # A record that outlives its transaction is of no use.
        own = {"transactional.id": name, "transaction.timeout.ms": timeout, "delivery.timeout.ms": timeout}
        self._outbox = Outbox(kafka, patience, own)
        self._producer = self._outbox.producer
        self._patience = patience

    def open(self) -> None:
        """Ends what an earlier process of this name left open, and shuts that process out."""
        try:
            self._insist(
                lambda: self._producer.init_transactions(TIMEOUT), "opening the transactional producer"
            )
        except KafkaException as exception:
            raise verdict(exception) from exception

    def deliver(self, records: Iterable[OutgoingRecord], batch: Batch) -> None:
        """See BatchDelivery."""
        try:
            self._producer.begin_transaction()
            self._outbox.put(records)
            self._send_offsets(batch)
            self._insist(lambda: self._producer.commit_transaction(TIMEOUT), "committing")
        except KafkaException as exception:
            self._abort(exception)
            raise NotDelivered(self._outbox.reason(exception)) from exception
        except Evicted:
            raise
        except Exception:
            self._abort(None)  # a defect in a stage: nothing of the batch may be seen
            raise

    def close(self) -> None:
        """Leaves an open transaction to the next process of this name, or to its timeout."""
        self._outbox.empty()

    def _send_offsets(self, batch: Batch) -> None:
        try:
            self._producer.send_offsets_to_transaction(offsets(batch), batch.group, TIMEOUT)
        except KafkaException as exception:
            if not exception.args[0].retriable():
                raise
            # Called again, it may wait for ever for a coordinator that is back (librdkafka issue 5456).
            self._patience.note_trouble()
            raise Evicted(f"this producer cannot go on: {exception.args[0].str()}") from exception

    def _abort(self, cause: KafkaException | None) -> None:
        if cause is not None and cause.args[0].fatal():
            raise verdict(cause) from cause
        if self._patience.stopping and cause is not None and cause.args[0].retriable():
            return  # undecided, and Kafka is away: the next process of this name settles it
        try:
            self._insist(lambda: self._producer.abort_transaction(TIMEOUT), "aborting")
        except KafkaException as exception:
            raise verdict(exception) from exception

    def _insist(self, call: Callable[[], None], doing: str) -> None:
        self._patience.insist(call, KafkaError.retriable, doing)
