"""`canvas-processors topics create` against every engine's Kafka."""

import os

import pytest
from confluent_kafka import KafkaError, Producer

from bridge.kafka import producer_config
from bridge.sandbox.engines.base import Engine
from bridge.settings import KafkaSettings
from processors.catalogue import load_catalogue
from processors.fan_out import MAX_RECORD_BYTES
from processors.names import TopicNames
from processors.settings import TopicSettings
from processors.topics.cluster import Cluster
from processors.topics.topic_plan import FoundTopic, PlannedTopic, differences, plan_topics
from tests.integration.commands import processors, table
from tests.integration.conftest import TopicMaker
from tests.integration.engine_kafka import on_embedded, on_processes, on_real_kafka, without_containers

CREATE = ("topics", "create")
PARTITIONS = 2
DELIVERY_SECONDS = 60


@pytest.fixture
def environment(environment: dict[str, str], topic_prefix: str) -> dict[str, str]:
    own = {"PROCESSORS_TOPICS__PARTITIONS": str(PARTITIONS), "PROCESSORS_GROUP_ID": f"{topic_prefix}workers"}
    return {**environment, **own}


@pytest.fixture
def plan(engine: Engine, topic_prefix: str) -> dict[str, PlannedTopic]:
    settings = TopicSettings(partitions=PARTITIONS, replication_factor=engine.addresses.brokers)
    topics = plan_topics(load_catalogue(), TopicNames(topic_prefix), settings, f"{topic_prefix}workers")
    return {topic.name: topic for topic in topics}


@pytest.fixture
def kafka(engine: Engine) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=engine.addresses.kafka_bootstrap_servers, delivery_timeout_seconds=DELIVERY_SECONDS
    )


def ours(kafka: KafkaSettings, plan: dict[str, PlannedTopic]) -> dict[str, FoundTopic]:
    return Cluster(kafka).found(plan)


@on_real_kafka
def test_every_topic_is_created_once_and_as_planned(
    engine: Engine, environment: dict[str, str], kafka: KafkaSettings, plan: dict[str, PlannedTopic]
) -> None:
    first = processors(environment, *CREATE)
    assert first.returncode == 0, first.stderr
    assert {name: row[-1] for name, row in table(first.stdout).items()} == dict.fromkeys(plan, "created")
    found = ours(kafka, plan)
    assert found.keys() == plan.keys()
    assert [differences(plan[name], topic) for name, topic in found.items()] == [[]] * len(plan)

    second = processors(environment, *CREATE)
    assert second.returncode == 0, second.stderr
    assert f"{len(plan)} topics: {len(plan)} as planned" in second.stdout
    assert second.stderr == ""


@on_embedded
def test_a_cluster_that_creates_nothing_on_request_is_asked_and_that_is_said(
    engine: Engine, environment: dict[str, str], kafka: KafkaSettings, plan: dict[str, PlannedTopic]
) -> None:
    done = processors(environment, *CREATE)
    assert done.returncode == 0, done.stderr
    assert "cannot create topics on request" in done.stderr
    assert ours(kafka, plan).keys() == plan.keys()
    made = next(iter(ours(kafka, plan).values()))
    assert f"has {made.partitions} partitions, planned are {PARTITIONS}" in done.stderr


@without_containers
def test_a_dry_run_creates_nothing(
    environment: dict[str, str], kafka: KafkaSettings, plan: dict[str, PlannedTopic]
) -> None:
    done = processors(environment, *CREATE, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"{len(plan)} topics: {len(plan)} would be created; dry run, nothing was created" in done.stdout
    assert ours(kafka, plan) == {}


@without_containers
def test_an_existing_topic_is_never_changed_and_its_differences_are_said(
    environment: dict[str, str],
    kafka: KafkaSettings,
    plan: dict[str, PlannedTopic],
    make_topic: TopicMaker,
) -> None:
    topic = make_topic("course_progress", 3)
    before = ours(kafka, plan)[topic]
    done = processors(environment, *CREATE)
    assert done.returncode == 0, done.stderr
    assert table(done.stdout)[topic][-1] == "differs"
    assert f"has {before.partitions} partitions, planned are {PARTITIONS}" in done.stderr
    assert "set PROCESSORS_TOPICS__PARTITIONS" in done.stderr
    assert ours(kafka, plan)[topic] == before


@on_processes
def test_settings_that_differ_are_said_with_the_remedy(engine: Engine, environment: dict[str, str]) -> None:
    processors(environment, *CREATE)
    done = processors({**environment, "PROCESSORS_TOPICS__RAW_RETENTION_HOURS": "1"}, *CREATE)
    assert done.returncode == 0
    assert "raw: has retention.ms=604800000, planned is 3600000: set PROCESSORS_TOPICS__RAW_R" in done.stderr


@on_processes
def test_more_replicas_than_brokers_are_refused_before_anything_is_created(
    engine: Engine, environment: dict[str, str], kafka: KafkaSettings, plan: dict[str, PlannedTopic]
) -> None:
    replicas = str(engine.addresses.brokers + 1)
    done = processors(environment, *CREATE, "--topics-replication-factor", replicas)
    assert done.returncode == 1
    assert f"PROCESSORS_TOPICS__REPLICATION_FACTOR is {replicas}" in done.stderr
    assert f"Set it to {engine.addresses.brokers}" in done.stderr
    assert ours(kafka, plan) == {}


@on_processes
def test_what_the_cluster_refuses_is_said_in_its_words(
    engine: Engine, environment: dict[str, str], make_topic: TopicMaker, topic_prefix: str
) -> None:
    make_topic("raw", 1)
    other = topic_prefix.rstrip(".") + "_"
    done = processors({**environment, "KAFKA_TOPIC_PREFIX": other}, *CREATE)
    assert done.returncode == 1
    assert table(done.stdout)[f"{other}raw"][-1] == "refused"
    assert table(done.stdout)[f"{other}unknown"][-1] == "created"
    assert f"{other}raw: Topic '{other}raw' collides with existing topic: {topic_prefix}raw" in done.stderr
    assert "choose another KAFKA_TOPIC_PREFIX" in done.stderr


def test_the_largest_record_we_write_fits(
    environment: dict[str, str], kafka: KafkaSettings, plan: dict[str, PlannedTopic]
) -> None:
    assert processors(environment, *CREATE).returncode == 0
    answers: list[KafkaError | None] = []
    topic = next(iter(plan))
    with Producer(producer_config(kafka)) as producer:
        value = os.urandom(MAX_RECORD_BYTES)
        producer.produce(topic, value, b"key", on_delivery=lambda error, _: answers.append(error))
        producer.flush(DELIVERY_SECONDS)
    assert answers == [None]
