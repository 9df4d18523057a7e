"""How a batch's records and its raw offsets reach Kafka: a family of two guarantees.

exactly_once puts both into one Kafka transaction: consumers that read committed see every event once, or not
yet. at_least_once confirms the records and then commits the offsets: a crash in between repeats the batch.
Neither moves an offset before everything is confirmed.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bridge.kafka import producer_config
from bridge.settings import KafkaSettings
from processors.batches import Batch
from processors.client_logs import LIBRDKAFKA
from processors.patience import Patience
from processors.raw_source import Evicted
from processors.records import OutgoingRecord
from processors.settings import Delivery, WorkerSettings

TIMEOUT = 10.0

# What ends by itself: a broker away, a coordinator moving.
_TRANSIENT = frozenset(
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


class ExactlyOnce:
    """One Kafka transaction per batch. The transactional id is the worker's name in its group."""

    def __init__(self, kafka: KafkaSettings, worker: WorkerSettings, _: Consumer, patience: Patience) -> None:
        timeout = int(worker.transaction_timeout_seconds * 1000)
        name = f"{worker.group_id}-{worker.instance_id}"
        # A record that outlives its transaction is of no use.
        own = {"transactional.id": name, "transaction.timeout.ms": timeout, "delivery.timeout.ms": timeout}
        self._outbox = _Outbox(kafka, patience, own)
        self._producer = self._outbox.producer
        self._patience = patience

    def open(self) -> None:
        """Ends what an earlier process of this name left open, and shuts that process out."""
        try:
            self._insist(
                lambda: self._producer.init_transactions(TIMEOUT), "opening the transactional producer"
            )
        except KafkaException as exception:
            raise _verdict(exception) from exception

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
            self._producer.send_offsets_to_transaction(_offsets(batch), batch.group, TIMEOUT)
        except KafkaException as exception:
            if not exception.args[0].retriable():
                raise
            # Called again, it may wait for ever for a coordinator that is back (librdkafka issue 5456).
            self._patience.note_trouble()
            raise Evicted(f"this producer cannot go on: {exception.args[0].str()}") from exception

    def _abort(self, cause: KafkaException | None) -> None:
        if cause is not None and cause.args[0].fatal():
            raise _verdict(cause) from cause
        if self._patience.stopping and cause is not None and cause.args[0].retriable():
            return  # undecided, and Kafka is away: the next process of this name settles it
        try:
            self._insist(lambda: self._producer.abort_transaction(TIMEOUT), "aborting")
        except KafkaException as exception:
            raise _verdict(exception) from exception

    def _insist(self, call: Any, doing: str) -> None:
        self._patience.insist(call, KafkaError.retriable, doing)


class AtLeastOnce:
    """Records first, offsets after: for a broker without transactional offsets."""

    def __init__(
        self, kafka: KafkaSettings, worker: WorkerSettings, consumer: Consumer, patience: Patience
    ) -> None:
        # For ever: given up, a record may be stored all the same, and repeating it would double it.
        self._outbox = _Outbox(kafka, patience, {"delivery.timeout.ms": 0})
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
                lambda: self._consumer.commit(offsets=_offsets(batch), asynchronous=False),
                lambda error: error.code() in _TRANSIENT,
                "committing offsets",
            )
        except KafkaException as exception:
            if exception.args[0].fatal() or exception.args[0].code() == KafkaError.FENCED_INSTANCE_ID:
                raise _verdict(exception) from exception
            raise NotDelivered(self._outbox.reason(exception)) from exception
        finally:
            self._outbox.empty()

    def close(self) -> None:
        """Drops what is not confirmed; its offsets are not committed."""
        self._outbox.empty()


DELIVERIES: Mapping[Delivery, Any] = {
    Delivery.EXACTLY_ONCE: ExactlyOnce,
    Delivery.AT_LEAST_ONCE: AtLeastOnce,
}


class _Outbox:
    """A producer that remembers why a record was refused."""

    def __init__(self, kafka: KafkaSettings, patience: Patience, own: Mapping[str, Any]) -> None:
        config = producer_config(
            kafka,
            linger_ms=5,
            compression_type="lz4",
            partitioner="murmur2_random",  # as Kafka's own clients, so that keys meet across topics
            delivery_report_only_error=True,
        )
        self.producer = Producer({**config, **own, "on_delivery": self._refused}, logger=LIBRDKAFKA)
        self._patience = patience
        self._refusal: str | None = None

    def put(self, records: Iterable[OutgoingRecord]) -> None:
        self._refusal = None
        for record in records:
            while not self._put(record):
                self._go_on()
                self.producer.poll(1.0)
        self.producer.poll(0)

    def confirm(self) -> None:
        """Waits until Kafka has confirmed every record. Raises NotDelivered."""
        while self.producer.flush(TIMEOUT):
            self._go_on()
        if self._refusal:
            raise NotDelivered(self._refusal)

    def _go_on(self) -> None:
        self._patience.beat()
        if self._patience.stopping:
            raise NotDelivered("stopped while Kafka had not confirmed every record")

    def reason(self, exception: KafkaException) -> str:
        text: str = exception.args[0].str()
        return f"{text} ({self._refusal})" if self._refusal else text

    def empty(self) -> None:
        """Drops what is not confirmed."""
        with suppress(KafkaException):  # of a producer that was shut out
            if len(self.producer):
                self.producer.purge()
                self.producer.flush(TIMEOUT)

    def _put(self, record: OutgoingRecord) -> bool:
        try:
            self.producer.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers),
                timestamp=record.timestamp,
            )
        except BufferError:
            return False
        return True

    def _refused(self, error: KafkaError, message: Message) -> None:
        if self._refusal is None and error.code() not in (
            KafkaError._PURGE_QUEUE,
            KafkaError._PURGE_INFLIGHT,
        ):
            remedy = ", run `canvas-processors topics create`" if error.code() in _UNKNOWN else ""
            self._refusal = f"{message.topic()}: {error.str()}{remedy}"


_UNKNOWN = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)


def _offsets(batch: Batch) -> list[TopicPartition]:
    return [TopicPartition(batch.topic, partition, end) for partition, end in batch.commits.items()]


def _verdict(exception: KafkaException) -> Exception:
    error: KafkaError = exception.args[0]
    if error.fatal() or not error.retriable():
        return Evicted(f"Kafka shut this worker out: {error.str()}")
    return NotDelivered(f"stopped while Kafka was away: {error.str()}")
