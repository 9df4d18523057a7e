"""Writing to an engine's Kafka and reading from it, with every answer checked."""

from concurrent.futures import wait

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.sandbox.engines.base import Addresses
from tests.integration.door_process import PATIENCE

WAIT_SECONDS = 60.0
RECORDS = 100


def on(*engines: str) -> pytest.MarkDecorator:
    """Runs a test on these engines alone."""
    members = [pytest.param(name, marks=getattr(pytest.mark, f"engine_{name}")) for name in engines]
    return pytest.mark.parametrize("engine", members, indirect=True)


on_real_kafka = on("processes", "containers")
# What containers would show is what the processes show, in another minute.
without_containers = on("embedded", "processes")
on_processes = on("processes")
on_embedded = on("embedded")


def producer(addresses: Addresses, **more: object) -> Producer:
    return Producer(
        {"bootstrap.servers": addresses.kafka_bootstrap_servers, "acks": "all", "log_level": 2, **more}
    )


def read(addresses: Addresses, topic: str, count: int, **more: object) -> list[Message]:
    """The first `count` records of a topic; fewer where there are no more."""
    config = {
        "bootstrap.servers": addresses.kafka_bootstrap_servers,
        "group.id": topic,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        **more,
    }
    found: list[Message] = []
    with Consumer(config) as consumer:
        partitions = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        at_end: set[int | None] = set()
        while len(found) < count and len(at_end) < len(partitions):
            message = consumer.poll(WAIT_SECONDS)
            assert message is not None, "Kafka did not answer"
            error = message.error()
            if error is None:
                found.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                at_end.add(message.partition())
    return found


def write(addresses: Addresses, topic: str, values: list[bytes]) -> list[KafkaError | None]:
    """Kafka's answer to each record."""
    answers: list[KafkaError | None] = []
    with producer(addresses, **{"delivery.timeout.ms": 60_000}) as writer:
        for value in values:
            writer.produce(topic, value, b"key", on_delivery=lambda error, _: answers.append(error))
        writer.flush(WAIT_SECONDS)
    return answers


def delete_topics(admin: AdminClient, prefix: str) -> None:
    """A whole suite's topics, 120 a test, are too many for the heap of a small broker."""
    names = [name for name in admin.list_topics(timeout=PATIENCE).topics if name.startswith(prefix)]
    if names:
        wait(admin.delete_topics(names, operation_timeout=PATIENCE).values())
