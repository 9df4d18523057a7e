"""The three engines, each started once a session; topics, subjects and a queue of its own for every test."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient

from bridge.contract import RawEvent
from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import Engine, EngineOptions, EngineUnavailable
from tests.integration.door_process import records_of, wait_for
from tests.integration.engine_kafka import delete_topics
from tests.integration.image import build, docker_is_missing
from tests.integration.kafka_cluster import KafkaCluster, kafka_cluster

TopicMaker = Callable[[str, int], str]
Stored = Callable[[], list[RawEvent]]


@contextmanager
def required() -> Iterator[None]:
    """What this machine lacks for an engine is a skip, and with IT_REQUIRED=1 a failure."""
    try:
        yield
    except EngineUnavailable as reason:
        if os.environ.get("IT_REQUIRED") == "1":
            pytest.fail(f"IT_REQUIRED=1, but {reason}")
        pytest.skip(str(reason))


def start(engine: Engine, folders: pytest.TempPathFactory) -> None:
    """Starts it, one lane of pytest-xdist after the other: what the first downloads the next finds."""
    with required(), (folders.getbasetemp().parent / "engines.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        engine.start()


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=getattr(pytest.mark, f"engine_{name}")) for name in ENGINES],
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A running engine."""
    running = ENGINES[request.param](EngineOptions())
    start(running, tmp_path_factory)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def image() -> str:
    """Our container image."""
    lacking = docker_is_missing()
    if lacking and os.environ.get("IT_REQUIRED") != "1":
        pytest.skip(lacking)
    assert lacking is None, lacking
    return build()


@pytest.fixture(scope="session")
def cluster(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three brokers with TLS, SCRAM and an authorizer; started once, for what our image does with it."""
    with kafka_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def topic_prefix(engine: Engine) -> Iterator[str]:
    """Of all topics of one test, and so of its subjects."""
    prefix = f"it{uuid.uuid4().hex[:12]}."
    yield prefix
    if engine.creates_topics:
        servers = engine.addresses.kafka_bootstrap_servers
        delete_topics(AdminClient({"bootstrap.servers": servers, "log_level": 2}), prefix)


@pytest.fixture
def queue_url(engine: Engine, topic_prefix: str) -> Iterator[str]:
    """An empty queue."""
    sqs = engine.addresses.sqs()
    url = sqs.create_queue(QueueName=topic_prefix.rstrip("."))["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)
    sqs.close()


@pytest.fixture
def environment(engine: Engine, topic_prefix: str, queue_url: str) -> dict[str, str]:
    """What points our commands at this engine, and at this test's topics and queue."""
    own = {"KAFKA_TOPIC_PREFIX": topic_prefix, "BRIDGE_SQS__QUEUE_URL": queue_url}
    return {**engine.addresses.environment(), **own}


@pytest.fixture
def make_topic(engine: Engine, topic_prefix: str) -> TopicMaker:
    """Makes a topic: (name without prefix, partitions) -> full name.

    On an engine that does not create topics it has the broker's own number of partitions.
    """
    servers = engine.addresses.kafka_bootstrap_servers

    def make(name: str, partitions: int) -> str:
        topic = topic_prefix + name
        if engine.creates_topics:
            admin = AdminClient({"bootstrap.servers": servers})
            admin.create_topics([NewTopic(topic, num_partitions=partitions)])[topic].result(30)
        with Producer({"bootstrap.servers": servers}) as producer:
            # A broker that has made it may not know of it yet.
            wait_for(
                lambda: not producer.list_topics(topic, timeout=30).topics[topic].error, f"topic {topic}"
            )
        return topic

    return make


@pytest.fixture
def stored(engine: Engine, make_topic: TopicMaker) -> Stored:
    """Every record of this test's raw topic, when called."""
    topic = make_topic("raw", 4)
    return lambda: records_of(engine.addresses.kafka_bootstrap_servers, topic)


@pytest.fixture
def registry(engine: Engine) -> Iterator[SchemaRegistryClient]:
    """Confluent's own client of the engine's registry."""
    with SchemaRegistryClient({"url": engine.addresses.schema_registry_url, "timeout": 30}) as client:
        yield client
