"""How replayed records reach Kafka: in transactions, or confirmed one by one."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import click
from confluent_kafka import KafkaError, KafkaException

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.replay.settings import ReplaySettings
from processors.settings import Delivery
from processors.worker.delivery.base import TIMEOUT, NotDelivered
from processors.worker.delivery.outbox import Outbox

_TRANSACTION_SECONDS: Final = 60
_GIVE_UP_SECONDS: Final = 120.0
_ATTEMPTS: Final = 5
_FENCED: Final = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
)


class NotWritten(click.ClickException):
    """Nothing of the last records counts; what was written before does."""


class Writer(Protocol):
    """Writes records by the batch."""

    def open(self) -> None:
        """Gets ready. From now on nobody else writes, where the broker can see to that."""

    def write(self, records: Sequence[OutgoingRecord]) -> None:
        """Returns once Kafka has all of them. Raises NotWritten."""

    def close(self) -> None:
        """Lets go of what is not written."""


def writer(kafka: KafkaSettings, settings: ReplaySettings) -> Writer:
    """The writer that the settings ask for."""
    in_transactions = settings.delivery is Delivery.EXACTLY_ONCE
    return Transactions(kafka, settings.transactional_id) if in_transactions else Confirmed(kafka)


class Transactions:
    """A transaction per batch. Every replay has the same transactional id, so a new one shuts the old out."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str) -> None:
        self._patience = Patience()
        timeout = _TRANSACTION_SECONDS * 1000
        own = {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": timeout,
            "delivery.timeout.ms": timeout,
        }
        self._outbox = Outbox(kafka, self._patience, own)
        self._producer = self._outbox.producer
        self._name = transactional_id

    def open(self) -> None:
        """See Writer. Aborts what a replay that was killed has left open."""
        try:
            self._insist(lambda: self._producer.init_transactions(TIMEOUT), "opening the transactions")
        except KafkaException as exception:
            raise self._told(exception) from None

    def write(self, records: Sequence[OutgoingRecord]) -> None:
        """See Writer."""
        for attempt in range(_ATTEMPTS):
            try:
                with _fatal_errors():
                    self._producer.begin_transaction()
                    self._outbox.put(records)
                    self._insist(lambda: self._producer.commit_transaction(TIMEOUT), "committing")
                return
            except KafkaException as exception:
                self._abort(exception)
                if attempt == _ATTEMPTS - 1 or not self._patience.wait(attempt):
                    raise self._told(exception) from None

    def close(self) -> None:
        """See Writer. An open transaction ends with its timeout, or when the next replay begins."""
        self._outbox.empty()

    def _abort(self, cause: KafkaException) -> None:
        if cause.args[0].fatal() or cause.args[0].code() in _FENCED:
            raise self._told(cause) from None
        try:
            self._insist(lambda: self._producer.abort_transaction(TIMEOUT), "aborting")
        except KafkaException as exception:
            raise self._told(exception) from None

    def _insist(self, call: Callable[[], None], doing: str) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        self._patience.insist(call, lambda error: error.retriable() and time.monotonic() < deadline, doing)

    def _told(self, exception: KafkaException) -> NotWritten:
        if exception.args[0].code() in _FENCED:
            return NotWritten(
                f"another replay has begun and has shut this one out: both are {self._name!r}. What this one "
                "had committed counts. Let the other end; run again, this one writes what is still missing."
            )
        return _not_written(self._outbox.reason(exception))


class Confirmed:
    """Every record confirmed, for a broker without transactions: a batch can be there in part."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._outbox = Outbox(kafka, Patience(), {"delivery.timeout.ms": _TRANSACTION_SECONDS * 1000})

    def open(self) -> None:
        """Nothing to prepare."""

    def write(self, records: Sequence[OutgoingRecord]) -> None:
        """See Writer."""
        try:
            self._outbox.put(records)
            self._outbox.confirm()
        except KafkaException as exception:
            raise _not_written(self._outbox.reason(exception)) from None
        except NotDelivered as error:
            raise _not_written(str(error)) from None

    def close(self) -> None:
        """See Writer."""
        self._outbox.empty()


@contextmanager
def _fatal_errors() -> Iterator[None]:
    """A fatal error is raised inside of what librdkafka calls back, and Python takes offence at that."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, KafkaException):
            raise error.__cause__ from None
        raise


def _not_written(cause: str) -> NotWritten:
    return NotWritten(
        f"Kafka did not take the last records: {cause}. What was written before counts; run again, what is "
        "there is skipped."
    )
