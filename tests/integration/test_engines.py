"""Every engine does what the bridge and the processors ask of a Kafka, a registry and an SQS."""

import json

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from bridge.sandbox.engines.base import Engine
from tests.integration.conftest import TopicMaker
from tests.integration.engine_kafka import RECORDS, WAIT_SECONDS, on_real_kafka, producer, read, write
from tests.registry_verdicts import ONE, OTHER


def avro(document: object) -> Schema:
    return Schema(json.dumps(document), "AVRO")


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
    sent = sqs.send_message(
        QueueUrl=queue_url,
        MessageBody='{"é": 1}',
        MessageAttributes={"event_name": {"DataType": "String", "StringValue": "logged_in"}},
    )
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
    schema_id = registry.register_schema(subject, avro(ONE))
    assert registry.lookup_schema(subject, avro(ONE)).schema_id == schema_id
    with pytest.raises(SchemaRegistryError) as refused:
        registry.register_schema(subject, avro(OTHER))
    assert refused.value.http_status_code == 409


@on_real_kafka
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
