"""What an engine can be made to suffer, and what is there again afterwards."""

import json
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import Engine, EngineOptions, UnsupportedFault
from tests.integration.conftest import TopicMaker
from tests.integration.engine_kafka import RECORDS, WAIT_SECONDS, on_real_kafka, producer, read, write
from tests.registry_verdicts import ONE


def test_the_registry_remembers_after_a_kill(
    engine: Engine, registry: SchemaRegistryClient, topic_prefix: str
) -> None:
    subject = f"{topic_prefix}thing-value"
    schema_id = registry.register_schema(subject, Schema(json.dumps(ONE), "AVRO"))
    engine.kill("registry")
    engine.check()
    with (
        SchemaRegistryClient({"url": engine.addresses.schema_registry_url, "max.retries": 0}) as impatient,
        pytest.raises(Exception, match=r"refused|reset|disconnected"),
    ):
        impatient.get_versions(subject)
    engine.restart("registry")
    assert registry.get_versions(subject) == [1]
    assert registry.get_latest_version(subject).schema_id == schema_id
    assert registry.get_compatibility() == "FULL_TRANSITIVE"


def test_sqs_answers_again_after_a_kill(engine: Engine, topic_prefix: str) -> None:
    engine.kill("sqs")
    engine.restart("sqs")
    sqs = engine.addresses.sqs()
    url = sqs.create_queue(QueueName=topic_prefix.rstrip("."))["QueueUrl"]
    assert sqs.list_queues(QueueNamePrefix=topic_prefix.rstrip("."))["QueueUrls"] == [url]
    sqs.close()


@on_real_kafka
def test_kafka_keeps_confirmed_records_over_a_kill(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("killed", 1)
    assert write(engine.addresses, topic, [b"before"]) == [None]
    engine.kill("kafka")
    engine.restart("kafka")
    assert write(engine.addresses, topic, [b"after"]) == [None]
    assert [record.value() for record in read(engine.addresses, topic, 2)] == [b"before", b"after"]


@on_real_kafka
def test_a_paused_kafka_confirms_nothing_until_it_goes_on(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("paused", 1)
    answers: list[KafkaError | None] = []
    with producer(engine.addresses, **{"delivery.timeout.ms": 60_000}) as writer:
        writer.list_topics(topic, timeout=WAIT_SECONDS)
        engine.pause("kafka")
        writer.produce(topic, b"value", on_delivery=lambda error, _: answers.append(error))
        assert writer.flush(2) == 1
        engine.resume("kafka")
        assert writer.flush(WAIT_SECONDS) == 0
    assert answers == [None]


@pytest.mark.parametrize(
    "engine", [pytest.param("embedded", marks=pytest.mark.engine_embedded)], indirect=True
)
def test_the_embedded_engine_says_what_it_cannot(engine: Engine) -> None:
    for part, fault in (("kafka", engine.kill), ("kafka", engine.restart), ("registry", engine.pause)):
        with pytest.raises(UnsupportedFault, match=f"embedded: cannot .* {part}"):
            fault(part)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[Engine]:
    with ENGINES["processes"](EngineOptions(brokers=3)) as engine:
        yield engine


@pytest.mark.engine_processes
def test_three_brokers_go_on_without_one(three_brokers: Engine) -> None:
    addresses = three_brokers.addresses
    admin = AdminClient({"bootstrap.servers": addresses.kafka_bootstrap_servers, "log_level": 2})
    admin.create_topics([NewTopic("replicated", num_partitions=3, replication_factor=3)])[
        "replicated"
    ].result(30)
    three_brokers.kill("kafka")
    values = [str(number).encode() for number in range(RECORDS)]
    assert write(addresses, "replicated", values) == [None] * RECORDS
    three_brokers.restart("kafka")
    assert [record.value() for record in read(addresses, "replicated", RECORDS)] == values
    assert len(admin.list_topics(timeout=30).brokers) == 3
