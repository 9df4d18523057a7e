"""A stand-in for librdkafka's clients that does as it is told and remembers every call."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.settings import WorkerSettings
from processors.worker.batches import Batch
from processors.worker.delivery import outbox

WORKER = WorkerSettings(group_id="g", instance_id="one")
BATCH = Batch("canvas.raw", 0, 0, (), (), {0: 7, 1: 9}, {0: 7}, "generation 3")
RECORDS = [OutgoingRecord(f"canvas.{name}", b"k", b"v", (("ce_id", b"1"),), 5) for name in ("a", "b")]

RETRIABLE = KafkaException(KafkaError(KafkaError._TIMED_OUT, "away", retriable=True))
ABORTABLE = KafkaException(KafkaError(KafkaError._TIMED_OUT, "lost", txn_requires_abort=True))
FATAL = KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))


class RefusedMessage:
    """What a delivery report is about."""

    def topic(self) -> str:
        return "canvas.a"


class Client:
    """Stands for librdkafka's producer and consumer; `failures` are raised, call by call."""

    def __init__(self, config: dict[str, Any] | None = None, **_: Any) -> None:
        self.config = config or {}
        self.calls: list[Any] = []
        self.failures: dict[str, list[Exception | None]] = {}
        self.waiting = 0
        self.flushes: list[int] = []

    def produce(self, topic: str, *_: Any, **__: Any) -> None:
        self._called("produce", topic)

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], group: Any, _: float) -> None:
        self._called("send_offsets", [(part.partition, part.offset) for part in offsets], group)

    def commit(self, offsets: list[TopicPartition], *, asynchronous: bool) -> None:
        assert not asynchronous
        self._called("commit", [(part.partition, part.offset) for part in offsets])

    def flush(self, _: float) -> int:
        self._called("flush")
        return self.flushes.pop(0) if self.flushes else 0

    def poll(self, _: float) -> int:
        return 0

    def __len__(self) -> int:
        return self.waiting

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self._called(name)

    def names(self) -> list[str]:
        return [call if isinstance(call, str) else call[0] for call in self.calls]

    def _called(self, name: str, *more: Any) -> None:
        self.calls.append((name, *more) if more else name)
        failures = self.failures.get(name)
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure


def impatient() -> Patience:
    """Waits no time at all."""
    patience = Patience()
    patience.wait = lambda attempt: not patience.stopping  # type: ignore[method-assign]
    return patience


def in_place_of_the_producer(monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client that every outbox gets from now on."""
    client = Client()

    def make(config: dict[str, Any], **_: Any) -> Client:
        client.config = config
        return client

    monkeypatch.setattr(outbox, "Producer", make)
    return client
