"""The publisher on librdkafka's own mock cluster: a broker over TCP, in this process."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer

from bridge.kafka import NotStored, Publisher, Unacceptable
from bridge.settings import KafkaSettings

HEADERS = (("ce_id", b"1"), ("content-type", b"application/json"))


class Broker:
    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        (broker,) = self.producer.list_topics(timeout=30).brokers.values()
        self.settings = KafkaSettings(bootstrap_servers=f"{broker.host}:{broker.port}")


@pytest.fixture
def broker() -> Broker:
    return Broker()


def read(settings: KafkaSettings, topic: str, count: int) -> dict[bytes, tuple[bytes, int, dict[str, Any]]]:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    found: dict[bytes, tuple[bytes, int, dict[str, Any]]] = {}
    for _ in range(600):
        for message in consumer.consume(100, 0.1):
            assert message.error() is None
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            found[bytes(key)] = (bytes(value), message.timestamp()[1], dict(message.headers() or ()))
        if len(found) >= count:
            break
    consumer.close()
    return found


def test_what_it_returned_from_is_in_kafka(broker: Broker) -> None:
    async def go() -> None:
        async with Publisher(broker.settings) as publisher:
            await asyncio.gather(
                *(
                    publisher.publish("canvas.raw", b"%d" % n, b"v%d" % n, HEADERS, 1000 + n)
                    for n in range(500)
                )
            )

    asyncio.run(go())
    found = read(broker.settings, "canvas.raw", 500)
    assert found == {b"%d" % n: (b"v%d" % n, 1000 + n, dict(HEADERS)) for n in range(500)}


def test_leaving_waits_for_what_is_on_its_way(broker: Broker) -> None:
    async def go() -> list[None]:
        async with Publisher(broker.settings) as publisher:
            sending = [
                asyncio.create_task(publisher.publish("canvas.raw", b"%d" % n, b"v", HEADERS, 1))
                for n in range(50)
            ]
            await asyncio.sleep(0)
        return await asyncio.gather(*sending)

    assert len(asyncio.run(go())) == 50
    assert len(read(broker.settings, "canvas.raw", 50)) == 50


def test_a_kafka_that_does_not_confirm_in_time_has_not_stored() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:9", delivery_timeout_seconds=0.5)

    async def go() -> None:
        async with Publisher(settings) as publisher:
            with pytest.raises(NotStored, match="timed out"):
                await publisher.publish("canvas.raw", b"k", b"v", HEADERS, 1)

    asyncio.run(go())


def test_a_record_too_large_for_the_producer_is_not_stored(broker: Broker) -> None:
    async def go() -> None:
        async with Publisher(broker.settings) as publisher:
            with pytest.raises(Unacceptable):
                await publisher.publish("canvas.raw", b"k", b"x" * 3_000_000, HEADERS, 1)
            await publisher.publish("canvas.raw", b"k", b"x" * 2_000_000, HEADERS, 1)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, Unacceptable),
        (KafkaError.INVALID_RECORD, Unacceptable),
        (KafkaError.INVALID_TIMESTAMP, Unacceptable),
        (KafkaError._MSG_TIMED_OUT, NotStored),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotStored),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, NotStored),
        (KafkaError.NOT_ENOUGH_REPLICAS, NotStored),
    ],
)
def test_what_would_be_refused_again_is_told_from_what_would_not(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[NotStored]
) -> None:
    monkeypatch.setattr("bridge.kafka.failure_of", lambda *_: KafkaError(code))

    async def go() -> None:
        async with Publisher(broker.settings) as publisher:
            with pytest.raises(NotStored) as refusal:
                await publisher.publish("canvas.raw", b"k", b"v", HEADERS, 1)
            assert refusal.type is kind

    asyncio.run(go())


def test_a_producer_that_is_broken_for_good_says_so_once(broker: Broker) -> None:
    calls: list[str] = []

    async def go() -> str | None:
        async with Publisher(broker.settings, on_broken=lambda: calls.append("broken")) as publisher:
            publisher._failed(KafkaError(KafkaError._ALL_BROKERS_DOWN))
            await asyncio.sleep(0)
            assert publisher.broken is None
            for _ in range(2):
                publisher._failed(
                    KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "out of order", fatal=True)
                )
            await asyncio.sleep(0)
            return publisher.broken

    assert asyncio.run(go()) == "out of order"
    assert calls == ["broken"]


def test_a_client_that_has_lost_its_way_is_left_for_a_new_one(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first asks for ever where nobody is."""
    made: list[Producer] = []

    def make(config: dict[str, Any], **more: Any) -> Producer:
        lost = {} if made else {"bootstrap.servers": "127.0.0.1:9"}
        made.append(Producer({**config, **lost}, **more))
        return made[-1]

    monkeypatch.setattr("bridge.kafka.Producer", make)
    monkeypatch.setattr("bridge.kafka.LOST_SECONDS", 0.3)
    settings = broker.settings.model_copy(update={"delivery_timeout_seconds": 1.0})

    async def go() -> None:
        async with Publisher(settings) as publisher:
            while True:
                try:
                    await publisher.publish("canvas.raw", b"k", b"v", HEADERS, 1)
                except NotStored:
                    continue
                return

    asyncio.run(go())
    assert read(broker.settings, "canvas.raw", 1)
    assert len(made) == 2


def test_a_record_that_is_refused_is_no_reason_for_a_new_client(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kafka.LOST_SECONDS", 0.0)

    async def go() -> int:
        async with Publisher(broker.settings) as publisher:
            with monkeypatch.context() as refusing:
                refusing.setattr("bridge.kafka.failure_of", lambda *_: KafkaError(KafkaError.INVALID_RECORD))
                with pytest.raises(Unacceptable):
                    await publisher.publish("canvas.raw", b"k", b"v", HEADERS, 1)
            await publisher.publish("canvas.raw", b"k", b"v", HEADERS, 1)
            return publisher._made

    assert asyncio.run(go()) == 1
