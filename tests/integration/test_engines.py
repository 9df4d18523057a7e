"""Every engine does what the bridge and the processors ask of a Kafka, a registry and an SQS."""

import json
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import Addresses, Engine, EngineOptions, UnsupportedFault
from tests.integration.conftest import TopicMaker

WAIT_SECONDS = 60.0
RECORDS = 100
TRANSACTIONAL = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(name, marks=getattr(pytest.mark, f"engine_{name}"))
        for name in ("processes", "containers")
    ],
    indirect=True,
)
SCHEMA = {"type": "record", "name": "Thing", "fields": [{"name": "id", "type": "string"}]}
INCOMPATIBLE = {"type": "record", "name": "Thing", "fields": [{"name": "id", "type": "long"}]}


def avro(document: object) -> Schema:
    return Schema(json.dumps(document), "AVRO")


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


def test_records_come_back_with_key_headers_and_time(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("round_trip", 3)
    with producer(engine.addresses, **{"enable.idempotence": True}) as writer:
        for number in range(RECORDS):
            headers: list[tuple[str, str | bytes | None]] = [("number", str(number).encode())]
            writer.produce(
                topic, f"value {number}", f"key {number}", headers=headers, timestamp=1_000 + number
            )
    found = read(engine.addresses, topic, RECORDS)
    assert {(record.key(), record.value(), record.timestamp()[1]) for record in found} == {
        (f"key {number}".encode(), f"value {number}".encode(), 1_000 + number) for number in range(RECORDS)
    }
    assert {tuple(record.headers() or ()) for record in found} == {
        (("number", str(number).encode()),) for number in range(RECORDS)
    }


def test_records_of_one_key_keep_their_order(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("order", 3)
    values = [str(number).encode() for number in range(RECORDS)]
    assert write(engine.addresses, topic, values) == [None] * RECORDS
    assert [record.value() for record in read(engine.addresses, topic, RECORDS)] == values


def test_a_message_is_there_with_its_attributes_until_it_is_deleted(engine: Engine, queue_url: str) -> None:
    sqs = engine.addresses.sqs()
    attribute = {"event_name": {"DataType": "String", "StringValue": "logged_in"}}
    sent = sqs.send_message(QueueUrl=queue_url, MessageBody='{"é": 1}', MessageAttributes=attribute)
    (message,) = sqs.receive_message(
        QueueUrl=queue_url, MessageAttributeNames=["All"], WaitTimeSeconds=20, VisibilityTimeout=0
    )["Messages"]
    assert message["Body"] == '{"é": 1}'
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"]["event_name"]["StringValue"] == "logged_in"
    (again,) = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=20)["Messages"]
    assert again["MessageId"] == sent["MessageId"]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=again["ReceiptHandle"])
    counted = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == "0"
    assert counted["ApproximateNumberOfMessagesNotVisible"] == "0"
    sqs.close()


def test_the_registry_refuses_what_is_incompatible(registry: SchemaRegistryClient, topic_prefix: str) -> None:
    subject = f"{topic_prefix}thing-value"
    schema_id = registry.register_schema(subject, avro(SCHEMA))
    assert registry.lookup_schema(subject, avro(SCHEMA)).schema_id == schema_id
    with pytest.raises(SchemaRegistryError) as refused:
        registry.register_schema(subject, avro(INCOMPATIBLE))
    assert refused.value.http_status_code == 409


@TRANSACTIONAL
def test_only_what_was_committed_is_read_committed(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("transactions", 1)
    with producer(engine.addresses, **{"transactional.id": topic}) as writer:
        writer.init_transactions(WAIT_SECONDS)
        for value, end in ((b"aborted", writer.abort_transaction), (b"committed", writer.commit_transaction)):
            writer.begin_transaction()
            writer.produce(topic, value)
            writer.flush(WAIT_SECONDS)
            end(WAIT_SECONDS)
    committed = read(engine.addresses, topic, 9, **{"isolation.level": "read_committed"})
    everything = read(engine.addresses, topic, 9, **{"isolation.level": "read_uncommitted"})
    assert [record.value() for record in committed] == [b"committed"]
    assert [record.value() for record in everything] == [b"aborted", b"committed"]


def test_the_delivery_it_claims_is_what_it_keeps(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("offsets", 1)
    offset = TopicPartition(topic, 0, 7)
    config = {"bootstrap.servers": engine.addresses.kafka_bootstrap_servers, "group.id": topic}
    with (
        Consumer(config) as consumer,
        producer(engine.addresses, **{"transactional.id": topic}) as writer,
    ):
        writer.init_transactions(WAIT_SECONDS)
        writer.begin_transaction()
        writer.send_offsets_to_transaction([offset], consumer.consumer_group_metadata(), WAIT_SECONDS)
        writer.commit_transaction(WAIT_SECONDS)
        (kept,) = consumer.committed([TopicPartition(topic, 0)], WAIT_SECONDS)
    assert (kept.offset == 7) == (engine.delivery == "exactly_once")
    assert engine.addresses.environment()["PROCESSORS_DELIVERY"] == engine.delivery


def test_the_registry_remembers_after_a_kill(
    engine: Engine, registry: SchemaRegistryClient, topic_prefix: str
) -> None:
    subject = f"{topic_prefix}thing-value"
    schema_id = registry.register_schema(subject, avro(SCHEMA))
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


@TRANSACTIONAL
def test_kafka_keeps_confirmed_records_over_a_kill(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("killed", 1)
    assert write(engine.addresses, topic, [b"before"]) == [None]
    engine.kill("kafka")
    engine.restart("kafka")
    assert write(engine.addresses, topic, [b"after"]) == [None]
    assert [record.value() for record in read(engine.addresses, topic, 2)] == [b"before", b"after"]


@TRANSACTIONAL
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
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

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
