"""A producer that waits where its queue is full, and remembers why a record was not stored."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.kafka import failure_of, producer_config
from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.worker.client_logs import LIBRDKAFKA
from processors.worker.delivery.base import TIMEOUT, NotDelivered

_UNKNOWN: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)
_PURGED: Final = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})


class Outbox:
    """A producer of typed records. `own`: librdkafka's settings of a member of the family."""

    def __init__(self, kafka: KafkaSettings, patience: Patience, own: Mapping[str, Any]) -> None:
        config = producer_config(
            kafka,
            linger_ms=5,
            compression_type="lz4",
            partitioner="murmur2_random",  # as Kafka's own clients, so that keys meet across topics
            delivery_report_only_error="transactional.id" in own,  # a transaction with a gap does not commit
        )
        self.producer = Producer({**config, **own, "on_delivery": self._answered}, logger=LIBRDKAFKA)
        self._patience = patience
        self._refusal: str | None = None

    def put(self, records: Iterable[OutgoingRecord]) -> None:
        """Hands over every record. Raises NotDelivered at a stop, KafkaException where librdkafka refuses."""
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
        """The error in words, with the first record that was refused."""
        text: str = exception.args[0].str()
        return f"{text} ({self._refusal})" if self._refusal else text

    def empty(self) -> None:
        """Drops what is not confirmed."""
        # Of a producer that was shut out; confluent-kafka raises both, the second where it calls back in C.
        with suppress(KafkaException, SystemError):
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

    def _answered(self, error: KafkaError | None, message: Message) -> None:
        failure = failure_of(message, error)
        if self._refusal is None and failure is not None and failure.code() not in _PURGED:
            remedy = ", run `canvas-processors topics create`" if failure.code() in _UNKNOWN else ""
            self._refusal = f"{message.topic()}: {failure.str()}{remedy}"
