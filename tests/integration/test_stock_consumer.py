"""A consumer that knows Kafka, and of the rest only the registry's address, reads what we write."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.contract import RawEvent, iso_time
from bridge.identity import event_id
from bridge.kafka import producer_config
from bridge.sandbox.engines.base import Engine
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.registry import schema_ids
from tests.integration.engine_kafka import without_containers
from tests.integration.prepared import prepare
from tests.samples import CATALOGUE, PASSES, RECEIVED_AT, expected_file

README = Path(__file__).parents[2] / "README.md"
WAIT_SECONDS = 60


@pytest.fixture
def pipeline(environment: dict[str, str], topic_prefix: str) -> Pipeline:
    """The worker's stages, with topics and schemas as the two commands make them."""
    own = {
        "PROCESSORS_TOPICS__PARTITIONS": "1",
        # The samples were received long ago, and Kafka deletes by the record's time.
        "PROCESSORS_TOPICS__TYPED_RETENTION_HOURS": "-1",
        "PROCESSORS_GROUP_ID": topic_prefix,
    }
    prepare({**environment, **own})
    names = TopicNames(topic_prefix)
    ids = schema_ids(CATALOGUE, names, SchemaRegistrySettings(url=environment["SCHEMA_REGISTRY_URL"]))
    return Pipeline(CATALOGUE, FanOut(CATALOGUE, names, ids))


def publish(engine: Engine, pipeline: Pipeline, samples: list[Path]) -> None:
    """Writes what the stages make of the samples."""
    settings = KafkaSettings(
        bootstrap_servers=engine.addresses.kafka_bootstrap_servers, delivery_timeout_seconds=WAIT_SECONDS
    )
    failures: list[object] = []
    with Producer(producer_config(settings)) as producer:
        for path in samples:
            value = path.read_bytes()
            raw = RawEvent(value, event_id(value).encode(), (), RECEIVED_AT)
            for outcome in pipeline.run(raw):
                out = outcome.outgoing
                producer.produce(
                    out.topic,
                    out.value,
                    out.key,
                    timestamp=out.timestamp,
                    on_delivery=lambda error, _: failures.append(error) if error else None,
                )
        assert producer.flush(WAIT_SECONDS) == 0
    assert failures == []


def test_every_typed_record_is_read_knowing_only_the_registry_s_address(
    engine: Engine, pipeline: Pipeline, topic_prefix: str
) -> None:
    expected = {
        (topic_prefix + item["topic"].removeprefix("canvas."), item["event_id"]): item["record"]
        for path in PASSES
        for item in json.loads(expected_file(path).read_text("utf-8"))
    }
    publish(engine, pipeline, PASSES)
    registry = SchemaRegistryClient({"url": engine.addresses.schema_registry_url, "timeout": 10})
    value_of = AvroDeserializer(registry)
    found: dict[tuple[str, str], Any] = {}
    config = {
        "bootstrap.servers": engine.addresses.kafka_bootstrap_servers,
        "group.id": topic_prefix,
        "auto.offset.reset": "earliest",
    }
    with registry, Consumer(config) as consumer:
        consumer.subscribe(sorted({topic for topic, _ in expected}))
        while len(found) < len(expected):
            message = consumer.poll(WAIT_SECONDS)
            assert message is not None, f"{len(expected) - len(found)} records did not come"
            assert message.error() is None
            topic = message.topic() or ""
            record = plain(value_of(message.value(), SerializationContext(topic, MessageField.VALUE)))
            found[topic, record["event_id"]] = record
    assert found == expected


@without_containers
def test_the_consumer_of_the_readme_works(engine: Engine, pipeline: Pipeline, topic_prefix: str) -> None:
    publish(engine, pipeline, [path for path in PASSES if path.name == "canvas.typical.pass.json"])
    (code,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
        if '["canvas.course_progress"]' in block
    ]
    for written, here in (
        ("http://localhost:8081", engine.addresses.schema_registry_url),
        ("localhost:9092", engine.addresses.kafka_bootstrap_servers),
        ("canvas.course_progress", f"{topic_prefix}course_progress"),
        ('"group.id": "', f'"group.id": "{topic_prefix}'),
    ):
        assert written in code
        code = code.replace(written, here)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_PROXY": "*"},
        text=True,
    )
    with process:
        limit = Timer(WAIT_SECONDS, process.kill)
        limit.start()
        line = process.stdout.readline() if process.stdout else ""
        limit.cancel()
        process.kill()
    assert "'requirement_count': 12" in line, line


def plain(value: Any) -> Any:
    """Times, dates and uuids as JSON shows them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return iso_time(round((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000))
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
