"""Kafka as the bridge and the processors use it: client settings, and publishing from asyncio."""

import asyncio
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.contract import Headers, iso_time
from bridge.settings import KafkaSettings

log = logging.getLogger(__name__)

# A client that has lost every broker asks for them again no later than this; librdkafka's own are 5 minutes.
_FOUND_AGAIN: Final = {
    "topic.metadata.refresh.interval.ms": 30_000,
    "metadata.recovery.rebootstrap.trigger.ms": 30_000,
}
BUSY_SECONDS: Final = 0.001  # between two looks for confirmations, while there are any to come
IDLE_SECONDS: Final = 0.1  # for errors, while there are none
LOST_SECONDS: Final = 60.0

# Of the record and not of the cluster: sent again they come again. INVALID_MSG_SIZE is of a batch.
_UNACCEPTABLE = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
    }
)

_INFERRED = KafkaError(KafkaError._STATE, "Kafka has confirmed a later record, but not this one")


def client_config(settings: KafkaSettings, **more: Any) -> dict[str, Any]:
    """What every client of ours begins with; `more` adds librdkafka properties, written with `_` for `.`."""
    password = settings.sasl_password
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": password.get_secret_value() if password else None,
        "ssl.ca.location": settings.ssl_ca_location,
        "ssl.certificate.location": settings.ssl_certificate_location,
        "ssl.key.location": settings.ssl_key_location,
        **_FOUND_AGAIN,
        **{name.replace("_", "."): value for name, value in more.items()},
    }
    return {name: value for name, value in config.items() if value is not None}


def producer_config(settings: KafkaSettings, **more: Any) -> dict[str, Any]:
    """A producer that loses and doubles nothing: acks=all, idempotent; records up to 2 MiB."""
    return client_config(
        settings,
        acks="all",
        enable_idempotence=True,
        delivery_timeout_ms=int(settings.delivery_timeout_seconds * 1000),
        message_max_bytes=2 * 1_048_576,
        **more,
    )


def failure_of(delivered: Message, error: KafkaError | None) -> KafkaError | None:
    """Why a record that was reported as delivered, or not, may not be in Kafka; None where it is.

    librdkafka reports a record that failed as delivered once a later one of its partition is confirmed, for
    a broker refuses a gap in a producer's sequence. But one that knows nothing of the producer takes any
    number: the topic was made anew, or nothing was written for a day (producer.id.expiration.ms). So only
    Kafka's own word counts: the offset.
    """
    return _INFERRED if error is None and delivered.offset() is None else error


class NotStored(Exception):
    """Kafka did not confirm the record: it may be lost, so nobody may be told that it is safe."""


class Unacceptable(NotStored):
    """Kafka refuses this record, or one of its batch, and would refuse it again: too large, or invalid."""


class Publisher:
    """Publishes from asyncio and returns once Kafka has confirmed (acks=all).

    The event loop itself asks librdkafka for confirmations, every millisecond while any is missing: a thread
    of its own would take the interpreter from the loop at every record.

    A client that has confirmed nothing for a minute is left for a new one. What it did not confirm is not
    stored, and comes again with the same key.
    """

    def __init__(self, settings: KafkaSettings, on_broken: Callable[[], None] = lambda: None) -> None:
        """`on_broken` is called in the event loop once the producer cannot go on; then `broken` says why."""
        self._config = producer_config(settings, linger_ms=2, compression_type="lz4")
        self._made = 0
        self._producer = self._new_producer()
        self._left: list[Producer] = []  # and what they still have to answer
        self._failing_since: float | None = None
        self._on_broken = on_broken
        self.broken: str | None = None
        self._loop = asyncio.get_running_loop()
        self._latest = {"confirmed_at": 0.0, "failed_at": 0.0}  # seconds since the epoch
        self._busy = False
        self._next_poll: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._poll()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for what is still on its way, at most the delivery timeout."""
        while self._waiting:  # noqa: ASYNC110 - a flush would confirm from another thread
            await asyncio.sleep(BUSY_SECONDS)
        if self._next_poll:
            self._next_poll.cancel()

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        """Writes one record and waits for Kafka's confirmation.

        `timestamp`: milliseconds since the epoch. Raises NotStored where Kafka refuses the record,
        does not confirm it in time, or the producer's queue is full.
        """
        # It gets no exception: one that holds its own future waits for the garbage collector, the record too.
        stored: asyncio.Future[KafkaError | None] = self._loop.create_future()

        def answered(error: KafkaError | None, delivered: Message) -> None:
            self._settle(stored, failure_of(delivered, error))

        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), timestamp=timestamp, on_delivery=answered
            )
        except BufferError as error:
            raise NotStored(str(error)) from error
        except KafkaException as error:
            raise _not_stored(error.args[0]) from error
        if not self._busy:
            self._poll_in(BUSY_SECONDS)
        refused = await stored
        if refused is not None:
            raise _not_stored(refused)

    def report(self) -> dict[str, object]:
        """What /status says of it; `waiting`: records Kafka has not confirmed yet. Safe from any thread."""
        confirmed, failed = self._latest["confirmed_at"], self._latest["failed_at"]
        state = "unknown" if not confirmed and not failed else "answers" if confirmed >= failed else "fails"
        told = {name: iso_time(int(at * 1000)) if at else None for name, at in self._latest.items()}
        return {"state": "broken" if self.broken else state, "waiting": self._waiting, **told}

    @property
    def _waiting(self) -> int:
        return len(self._producer) + sum(map(len, self._left))

    def _new_producer(self) -> Producer:
        number = self._made = self._made + 1

        def failed(error: KafkaError) -> None:
            if number == self._made:
                self._failed(error)

        return Producer({**self._config, "error_cb": failed}, logger=log)

    def _failed(self, error: KafkaError) -> None:
        # Other errors are of one connection, and librdkafka cures them by itself.
        if error.fatal() and self.broken is None:
            self.broken = error.str()
            self._on_broken()

    def _poll(self) -> None:
        try:
            self._producer.poll(0)
            if self._failing_since is not None or self._left:
                self._renew()
        finally:
            self._poll_in(BUSY_SECONDS if self._waiting else IDLE_SECONDS)

    def _renew(self) -> None:
        # A client has been seen that asked no broker any more after it had lost all; a new one finds them.
        if self._failing_since is not None and time.monotonic() - self._failing_since > LOST_SECONDS:
            log.warning("Kafka has confirmed nothing for %.0f s: going on with a new client", LOST_SECONDS)
            self._left.append(self._producer)
            self._producer, self._failing_since = self._new_producer(), None
        for producer in tuple(self._left):
            producer.poll(0)
            if not len(producer):
                self._left.remove(producer)
                self._loop.run_in_executor(None, producer.close)  # it waits for its threads

    def _poll_in(self, seconds: float) -> None:
        if self._next_poll:
            self._next_poll.cancel()
        self._busy = seconds == BUSY_SECONDS
        self._next_poll = self._loop.call_later(seconds, self._poll)

    def _settle(self, stored: "asyncio.Future[KafkaError | None]", error: KafkaError | None) -> None:
        self._latest["failed_at" if error else "confirmed_at"] = time.time()
        if error is None:
            self._failing_since = None
        elif self._failing_since is None and error.code() not in _UNACCEPTABLE:
            self._failing_since = time.monotonic()
        if not stored.done():
            stored.set_result(error)


def _not_stored(error: KafkaError) -> NotStored:
    return (Unacceptable if error.code() in _UNACCEPTABLE else NotStored)(error.str())
