"""What librdkafka reports as delivered though Kafka never wrote it: seen in a topic that was made anew."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.kafka import NotStored, Publisher
from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.worker.delivery.base import NotDelivered
from processors.worker.delivery.exactly_once import ExactlyOnce
from processors.worker.delivery.outbox import Outbox
from tests.faults.oracle import everything_in
from tests.mock_cluster import NOT_LEADER, PRODUCE, MockCluster
from tests.unit.told_client import BATCH, WORKER

TOPIC = "canvas.raw"
FIRST, SECOND = (OutgoingRecord(TOPIC, b"key", value, (), 1) for value in (b"first", b"second"))
ON_THE_WAY = 1000  # milliseconds of every request: time for the second to leave before the first is refused


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as cluster:
        yield cluster


@pytest.fixture
def settings(cluster: MockCluster) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=cluster.bootstrap_servers)


def refuse_the_next(cluster: MockCluster) -> None:
    cluster.answer_after(ON_THE_WAY)
    cluster.refuse_next(PRODUCE, NOT_LEADER)


def stored(cluster: MockCluster) -> list[bytes | None]:
    """The values in the topic, of all partitions."""
    cluster.answer_after(0)
    with everything_in(cluster.bootstrap_servers, [TOPIC]) as batches:
        return [message.value() for messages in batches for message in messages]


async def confirmed_by_a_door(cluster: MockCluster, settings: KafkaSettings) -> set[bytes]:
    """Which of two records, in requests of their own, a publisher has confirmed."""
    async with Publisher(settings) as publisher:

        async def publish(value: bytes) -> bytes | None:
            try:
                await publisher.publish(TOPIC, b"key", value, (), 1)
            except NotStored:
                return None
            return value

        assert await publish(b"before")
        refuse_the_next(cluster)
        first = asyncio.create_task(publish(b"first"))
        await asyncio.sleep(ON_THE_WAY / 3000)
        return {value for value in (await publish(b"second"), await first) if value}


def test_a_door_does_not_answer_for_it(cluster: MockCluster, settings: KafkaSettings) -> None:
    confirmed = asyncio.run(confirmed_by_a_door(cluster, settings))
    assert b"second" in confirmed
    assert confirmed <= set(stored(cluster))


def test_a_door_that_believes_librdkafka_answers_for_it(
    cluster: MockCluster, settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kafka.failure_of", lambda delivered, error: error)
    assert asyncio.run(confirmed_by_a_door(cluster, settings)) == {b"first", b"second"}
    assert stored(cluster) == [b"before", b"second"]


class Apart:
    """Two records in requests of their own, the first of which is refused the first time."""

    def __init__(self, cluster: MockCluster, producer: Producer) -> None:
        self._cluster = cluster
        self._producer = producer
        self.times = 0

    def __iter__(self) -> Iterator[OutgoingRecord]:
        self.times += 1
        yield FIRST
        assert self._producer.flush(30) == 0  # its partition is part of the transaction
        if self.times == 1:
            refuse_the_next(self._cluster)
        yield FIRST
        time.sleep(ON_THE_WAY / 3000)
        yield SECOND


def test_a_worker_does_not_count_it(cluster: MockCluster, settings: KafkaSettings) -> None:
    outbox = Outbox(settings, Patience(), {})
    records = Apart(cluster, outbox.producer)
    outbox.put(records)
    with pytest.raises(NotDelivered, match="a later record, but not this one"):
        outbox.confirm()
    outbox.put(records)
    outbox.confirm()
    assert stored(cluster).count(b"first") == 3


def test_librdkafka_itself_does_not_commit_it(cluster: MockCluster, settings: KafkaSettings) -> None:
    consumer: Any = None
    delivery = ExactlyOnce(settings, WORKER, consumer, Patience())
    delivery._send_offsets = lambda batch: None  # type: ignore[method-assign]
    records = Apart(cluster, delivery._producer)
    delivery.open()
    with pytest.raises(NotDelivered, match="skipped sequence numbers"):
        delivery.deliver(records, BATCH)
    delivery.deliver(records, BATCH)
    delivery.close()
