"""Our image under TLS, SCRAM and an authorizer: each component with its rows of deploy/acls.yaml alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from processors.failures import Reason
from tests.acls import acls, components
from tests.integration.acl_site import (
    CHANGELOG,
    COUNT,
    DEAD,
    DENIED,
    PREFIX,
    RAW,
    SOURCE,
    TYPED,
    Site,
    acl_site,
    forget,
    rights,
    without,
)
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.image import DockerFailure
from tests.integration.kafka_cluster import KafkaCluster
from tests.integration.secured_pods import GROUP, principal

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def site(cluster: KafkaCluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything is up, and has done its work on a first load."""
    with acl_site(cluster, image, tmp_path_factory.mktemp("acls")) as running:
        yield running


def test_the_whole_flow_works_with_exactly_these_acls(site: Site) -> None:
    tally, report = site.tally, site.report
    assert tally.raw == tally.total + site.duplicates
    assert tally.event_ids >= set(report["event_ids"])
    assert len(report["event_ids"]) >= COUNT
    assert tally.unknown == report["unknown"] > 0
    assert tally.dead_letters.total() == report["malformed"] > 0
    assert tally.dead_letters.keys() <= set(Reason)
    assert tally.rollup, site.pods.log("worker").read_text()[-2000:]
    assert len(report["accepted_by_door"]) == 2


TOOLS = {
    "audit": ("audit", "canvas-processors audit", "adds up"),
    "explain": ("audit", f"canvas-processors explain {RAW}/0/0", "received"),
    "summary": ("dead-letter", "canvas-processors dead-letter summary", "dead letters in"),
    "list": ("dead-letter", "canvas-processors dead-letter list", "invalid"),
    "drift": ("drift", "canvas-processors drift", "typed records of"),
    "check webhook": (
        "webhook",
        "canvas-bridge check webhook --jwks-url http://127.0.0.1:{jwks}/jwks",
        f"we may write to {RAW}",
    ),
    "check sqs": ("sqs", "canvas-bridge check sqs", f"we may write to {RAW}"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_of_the_image_works_with_exactly_its_acls(site: Site, name: str) -> None:
    component, command, said = TOOLS[name]
    assert said in site.person.in_the_image(component, *command.format(**site.ports).split())


# What each may do to a topic; nothing at all to those that are not named.
RIGHTS = {
    "webhook": {RAW: "DESCRIBE DESCRIBE_CONFIGS WRITE"},
    "sqs": {RAW: "DESCRIBE DESCRIBE_CONFIGS WRITE"},
    "worker": {
        RAW: "DESCRIBE READ",
        SOURCE: "DESCRIBE READ WRITE",
        TYPED: "DESCRIBE WRITE",
        DEAD: "DESCRIBE WRITE",
        CHANGELOG: "DESCRIBE READ WRITE",
    },
    "topics": dict.fromkeys((RAW, SOURCE, TYPED, DEAD, CHANGELOG), "CREATE DESCRIBE DESCRIBE_CONFIGS"),
    "dead-letter": {DEAD: "DESCRIBE READ"},
    "replay": {
        RAW: "DESCRIBE DESCRIBE_CONFIGS READ",
        **dict.fromkeys((SOURCE, TYPED, DEAD), "DESCRIBE DESCRIBE_CONFIGS READ WRITE"),
    },
    "audit": dict.fromkeys((RAW, SOURCE, TYPED, DEAD), "DESCRIBE DESCRIBE_CONFIGS READ"),
    "drift": {RAW: "DESCRIBE", DEAD: "DESCRIBE", **dict.fromkeys((SOURCE, TYPED), "DESCRIBE READ")},
    "consumer": {RAW: "DESCRIBE", DEAD: "DESCRIBE", **dict.fromkeys((SOURCE, TYPED), "DESCRIBE READ")},
}


@pytest.mark.parametrize("component", components())
def test_kafka_lets_a_component_do_that_and_no_more(site: Site, component: str) -> None:
    admin = AdminClient(site.cluster.client_config(principal(component), {"log_level": 2}))
    found = {topic: rights(admin, topic) for topic in (RAW, SOURCE, TYPED, DEAD, CHANGELOG)}
    told = {topic: set(named.split()) for topic, named in RIGHTS[component].items()}
    assert {topic: named for topic, named in found.items() if named} == told


@pytest.mark.parametrize(
    ("component", "topic"),
    [("webhook", TYPED), ("webhook", RAW), ("sqs", TYPED), ("drift", RAW), ("consumer", DEAD)],
)
def test_what_it_may_not_read_it_does_not_read(site: Site, component: str, topic: str) -> None:
    own = {"group.id": "analytics-test", "auto.offset.reset": "earliest", "log_level": 2}
    with Consumer(site.cluster.client_config(principal(component), own)) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(PATIENCE)
    error = message.error() if message else None
    assert error is not None
    assert error.code() in DENIED


@pytest.mark.parametrize("component", ["webhook", "sqs", "dead-letter", "audit", "drift", "consumer"])
def test_what_it_may_not_write_it_does_not_write(site: Site, component: str) -> None:
    outcome: list[KafkaError | None] = []
    with Producer(site.cluster.client_config(principal(component), {"log_level": 2})) as producer:
        producer.produce(TYPED, b"forged", on_delivery=lambda error, _: outcome.append(error))
        assert producer.flush(PATIENCE) == 0
    assert [error.code() for error in outcome if error] == [KafkaError.TOPIC_AUTHORIZATION_FAILED]


def test_a_consumer_of_yours_reads_what_it_may(site: Site) -> None:
    own = {"group.id": "analytics-test", "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    with Consumer(site.cluster.client_config(principal("consumer"), own)) as consumer:
        consumer.subscribe([SOURCE])
        message = consumer.poll(PATIENCE)
        assert message is not None
        assert message.error() is None, message.error()


NEXT = {"KAFKA_TOPIC_PREFIX": f"{PREFIX}next.", "PROCESSORS_GROUP_ID": f"{GROUP}-rollups-next"}


class Lack(NamedTuple):
    """Without this row of the component a command says that; `more`: variables of the command."""

    component: str
    row: int
    command: str
    said: str
    more: Mapping[str, str] = {}


LACKS = [
    Lack("topics", 0, "canvas-processors topics create --dry-run", "give the user Create", NEXT),
    Lack("topics", 2, "canvas-processors topics create --dry-run", "cannot be read"),
    Lack("topics", 3, "canvas-processors topics create --dry-run", "give the user Create", NEXT),
    Lack("topics", 5, "canvas-processors topics create --dry-run", "cannot be read"),
    Lack("webhook", 0, "canvas-bridge check webhook", "does not exist, or may not be seen"),
    Lack("webhook", 1, "canvas-bridge check webhook", "allow DESCRIBE_CONFIGS"),
    Lack("sqs", 0, "canvas-bridge check sqs", "does not exist, or may not be seen"),
    Lack("sqs", 1, "canvas-bridge check sqs", "allow DESCRIBE_CONFIGS"),
    Lack("dead-letter", 0, "canvas-processors dead-letter list", "whether the user may read"),
    Lack("audit", 0, "canvas-processors audit", "whether the user may read"),
    Lack("audit", 1, "canvas-processors audit", "cannot be read"),
    Lack("drift", 0, "canvas-processors drift", "no topic"),
]


@pytest.mark.parametrize("lack", LACKS, ids=lambda lack: f"{lack.component}-{lack.row}")
def test_without_a_row_a_command_says_so(site: Site, lack: Lack) -> None:
    with without(site.cluster, acls(lack.component)[lack.row]):
        done = site.person.here(lack.component, *lack.command.split(), **lack.more)
    assert lack.said in done.stdout + done.stderr


def test_a_webhook_without_its_row_refuses_and_takes_again_with_it(site: Site) -> None:
    with without(site.cluster, acls("webhook")[0]):
        wait_for(lambda: site.post() == 503, "the webhook to refuse an event")
    wait_for(lambda: site.post() == 202, "the webhook to take an event")


@pytest.mark.parametrize("row", [0, 3, 5, 8], ids=lambda row: str(acls("worker")[row]))
def test_a_worker_that_lost_a_row_says_so_and_loses_nothing(site: Site, row: int) -> None:
    denied, rolled_up = site.worker_says_denied(), site.rolled_up()
    with without(site.cluster, acls("worker")[row]):
        # More than one: a row that is taken back has no effect yet on what is under way.
        wait_for(lambda: site.post() and site.worker_says_denied() > denied, "the worker to say so")
    wait_for(site.is_processed, "the worker to go on")
    wait_for(lambda: site.rolled_up() > rolled_up, "the rollup to go on")


def test_a_worker_that_may_not_open_transactions_ends_and_says_so(site: Site, tmp_path: Path) -> None:
    spare = {"INSTANCE_ID": "spare", "DATA_DIR": str(tmp_path), "ADMIN__PORT": "0"}
    more = {f"PROCESSORS_{name}": value for name, value in spare.items()}
    (row,) = (acl for acl in acls("worker") if acl.type == "transactionalId")
    with without(site.cluster, row):
        done = site.person.here("worker", "canvas-processors", "worker", **more)
    assert done.returncode == 1
    assert "Transactional Id authorization failed" in done.stderr


def test_a_replay_needs_each_of_its_rows_and_no_more(site: Site) -> None:
    command = ("canvas-processors", "raw", "replay", "--from", "1h", "--to", "0m")
    gone = forget(site.cluster, TYPED)
    for operation, type_ in (("Read", "topic"), ("Write", "topic"), ("Write", "transactionalId")):
        (row,) = (
            acl
            for acl in acls("replay")
            if (acl.operation, acl.type, acl.denied) == (operation, type_, False)
        )
        with without(site.cluster, row):
            done = site.person.here("replay", *command)
        assert done.returncode == 1, done.stdout + done.stderr
        assert f"{gone} replayed" not in done.stdout + done.stderr
    # What could not be converted still cannot: status 1.
    with pytest.raises(DockerFailure, match=f"{gone} replayed"):
        site.person.in_the_image("replay", *command)
