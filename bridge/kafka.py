"""Kafka as the bridge and the processors use it: client settings, and publishing from asyncio."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.contract import Headers, iso_time
from bridge.settings import KafkaSettings

log = logging.getLogger(__name__)

Ack = tuple["asyncio.Future[None]", KafkaError | None]

# Of the record and not of the cluster: sent again they come again. INVALID_MSG_SIZE is of a batch.
_UNACCEPTABLE = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
    }
)


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


class NotStored(Exception):
    """Kafka did not confirm the record: it may be lost, so nobody may be told that it is safe."""


class Unacceptable(NotStored):
    """Kafka refuses this record, or one of its batch, and would refuse it again: too large, or invalid."""


class Publisher:
    """Publishes from asyncio and returns once Kafka has confirmed (acks=all).

    One thread polls librdkafka; confirmations wake the event loop once per batch, not once per record.
    """

    def __init__(self, settings: KafkaSettings, on_broken: Callable[[], None] = lambda: None) -> None:
        """`on_broken` is called in the event loop once the producer cannot go on; then `broken` says why."""
        config = producer_config(settings, linger_ms=1, compression_type="lz4")
        self._producer = Producer({**config, "error_cb": self._failed}, logger=log)
        self._on_broken = on_broken
        self.broken: str | None = None
        self._loop = asyncio.get_running_loop()
        self._acks: deque[Ack] = deque()
        self._latest = {"confirmed_at": 0.0, "failed_at": 0.0}  # seconds since the epoch
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-publisher", daemon=True)

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for what is still on its way, at most the delivery timeout."""
        await self._loop.run_in_executor(None, self._producer.flush)
        self._stopping.set()
        await self._loop.run_in_executor(None, self._thread.join)
        self._settle()

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        """Writes one record and waits for Kafka's confirmation.

        `timestamp`: milliseconds since the epoch. Raises NotStored where Kafka refuses the record,
        does not confirm it in time, or the producer's queue is full.
        """
        stored: asyncio.Future[None] = self._loop.create_future()

        def confirmed(error: KafkaError | None, _: Message) -> None:
            self._acks.append((stored, error))

        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), timestamp=timestamp, on_delivery=confirmed
            )
        except BufferError as error:
            raise NotStored(str(error)) from error
        except KafkaException as error:
            raise _not_stored(error.args[0]) from error
        await stored

    def report(self) -> dict[str, object]:
        """What /status says of it; `waiting`: records Kafka has not confirmed yet. Safe from any thread."""
        confirmed, failed = self._latest["confirmed_at"], self._latest["failed_at"]
        state = "unknown" if not confirmed and not failed else "answers" if confirmed >= failed else "fails"
        told = {name: iso_time(int(at * 1000)) if at else None for name, at in self._latest.items()}
        return {"state": "broken" if self.broken else state, "waiting": len(self._producer), **told}

    def _failed(self, error: KafkaError) -> None:
        # Called while polling. Other errors are of one connection, and librdkafka cures them by itself.
        if error.fatal():
            self._loop.call_soon_threadsafe(self._break, error.str())

    def _break(self, cause: str) -> None:
        if self.broken is None:
            self.broken = cause
            self._on_broken()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(0.1)
            if self._acks:
                self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        while self._acks:
            stored, error = self._acks.popleft()
            self._latest["failed_at" if error else "confirmed_at"] = time.time()
            if stored.done():
                continue
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(_not_stored(error))


def _not_stored(error: KafkaError) -> NotStored:
    return (Unacceptable if error.code() in _UNACCEPTABLE else NotStored)(error.str())
