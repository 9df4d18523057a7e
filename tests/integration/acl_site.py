"""The product on a cluster that asks who one is: each component with its rows of deploy/acls.yaml."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.sandbox.engines.base import CREDENTIAL, REGION, Addresses
from bridge.sandbox.engines.embedded import SqsServer
from bridge.sandbox.flow import Flow
from bridge.sandbox.tally import Tally, read_metrics
from tests.acls import Acl, acls, components
from tests.integration.door_process import PATIENCE
from tests.integration.kafka_cluster import KafkaCluster
from tests.integration.pods import Pods
from tests.integration.secured_broker import ADMIN
from tests.integration.secured_pods import GROUP, PARTITIONS, Person, principal, secured_pods

COUNT = 200
PREFIX = "canvas."
RAW, TYPED, DEAD = f"{PREFIX}raw", f"{PREFIX}logged_in", f"{PREFIX}dead_letter"
SOURCE = f"{PREFIX}course_progress"  # of a rollup
CHANGELOG = f"{GROUP}-rollups-course_progress-changelog"
DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


@dataclass
class Site:
    """The whole product at work, and what came of a first load."""

    cluster: KafkaCluster
    pods: Pods
    person: Person
    report: dict[str, Any]
    tally: Tally
    duplicates: int
    ports: Mapping[str, int]
    _numbers: Iterator[int] = field(default_factory=count)

    def post(self) -> int:
        """Posts one more course_progress to the webhook; the status."""
        connection = HTTPConnection("127.0.0.1", self.ports["webhook"], timeout=PATIENCE)
        with closing(connection):
            connection.request("POST", "/", progress(next(self._numbers)))
            return connection.getresponse().status

    def worker_says_denied(self) -> int:
        """How often the worker has said that it may not do something."""
        log = self.pods.log("worker").read_text("utf-8")
        return len(re.findall(r"authorization ?failed", log, re.IGNORECASE))

    def rolled_up(self) -> float:
        """Records that the rollup has taken."""
        return read_metrics(self.ports["worker admin"]).get("canvas_processors_rollup_updates_total", 0)

    def is_processed(self) -> bool:
        """Whether the workers have committed all of the raw topic."""
        own = {"group.id": GROUP, "log_level": 0}
        with Consumer(self.cluster.client_config(ADMIN, own)) as consumer:
            places = [TopicPartition(RAW, number) for number in range(PARTITIONS)]
            ends = [consumer.get_watermark_offsets(place, PATIENCE)[1] for place in places]
            return [max(0, part.offset) for part in consumer.committed(places, PATIENCE)] == ends


@contextmanager
def acl_site(cluster: KafkaCluster, image: str, folder: Path) -> Iterator[Site]:
    """Users, their rows, and the chart's pods under them."""
    for component in components():
        cluster.add_user(principal(component))
        cluster.allow(acls(component))
    queues = SqsServer()
    queues.start()
    try:
        more = aws(queues.url)
        environment = cluster.environment(ADMIN) | more | {"PROCESSORS_DELIVERY": "exactly_once"}
        with secured_pods(cluster, folder, environment, image) as pods:
            flow = Flow(pods, folder)
            flow.prepare()
            flow.start()
            report = flow.simulate(COUNT, seed=11)
            tally, duplicates = flow.settle(report["accepted"])
            person = Person(cluster, image, more)
            yield Site(cluster, pods, person, report, tally, duplicates, flow.ports)
    finally:
        queues.stop()


def progress(number: int) -> bytes:
    """A course_progress of today, so that it is rolled up."""
    event_time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    metadata = {"event_name": "course_progress", "event_time": event_time, "request_id": str(number)}
    requirements = {"requirement_count": 3, "requirement_completed_count": 1}
    ids = {"user": {"id": "10000000000007"}, "course": {"id": "10000000000077"}}
    body = {"progress": requirements, **ids}
    return json.dumps({"metadata": metadata, "body": body}).encode()


def aws(url: str) -> dict[str, str]:
    """The queue's variables; the queue is made."""
    addresses = Addresses("", "", url, "exactly_once")
    with closing(addresses.sqs()) as client:
        queue = client.create_queue(QueueName="canvas-live-events-acls")["QueueUrl"]
    return {
        "KAFKA_TOPIC_PREFIX": PREFIX,
        "BRIDGE_SQS__QUEUE_URL": queue,
        "BRIDGE_SQS__ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_SQS": url,
        "AWS_ACCESS_KEY_ID": CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
        "AWS_DEFAULT_REGION": REGION,
    }


def rights(admin: AdminClient, topic: str) -> set[str]:
    """What may be done to a topic; nothing where it may not even be seen."""
    asked = admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True)
    try:
        return {operation.name for operation in asked[topic].result(PATIENCE).authorized_operations or ()}
    except KafkaException as error:
        if error.args[0].code() in DENIED:
            return set()
        raise


@contextmanager
def without(cluster: KafkaCluster, acl: Acl) -> Iterator[None]:
    """The row is away while the block lasts."""
    cluster.take_back(acl)
    try:
        yield
    finally:
        cluster.allow([acl])


def forget(cluster: KafkaCluster, topic: str) -> int:
    """Deletes all records of a topic; how many a reader of committed ones would have seen."""
    own = {"group.id": "forget", "auto.offset.reset": "earliest", "enable.partition.eof": True}
    with Consumer(cluster.client_config(ADMIN, own)) as consumer:
        places = [TopicPartition(topic, number, 0) for number in range(PARTITIONS)]
        consumer.assign(places)
        seen, waiting = 0, len(places)
        while waiting:
            message = consumer.poll(PATIENCE)
            assert message is not None
            seen, waiting = (seen, waiting - 1) if message.error() else (seen + 1, waiting)
    ends = [TopicPartition(topic, place.partition, OFFSET_END) for place in places]
    for deleted in cluster.admin.delete_records(ends).values():
        deleted.result(PATIENCE)
    assert seen > 0
    return seen
