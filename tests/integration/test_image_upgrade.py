"""An upgrade to the next set of schemas, worker by worker and under load; old and new consumers go on."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from bridge.identity import event_id
from bridge.settings import SchemaRegistrySettings
from processors.catalogue import schema_folder
from processors.names import TopicNames
from processors.registry import Registry
from processors.schemas.registration import register_all
from processors.schemas.released import read_history
from tests.integration.cut_site import CutSite
from tests.integration.door_process import wait_for
from tests.integration.kafka_cluster import KafkaCluster
from tests.integration.networked_pod import Pod
from tests.integration.next_set import CHANGED, FIELD, NEW, image_of, write_next_set
from tests.integration.secured_broker import ADMIN
from tests.integration.upgrade_readers import Reader

pytestmark = pytest.mark.cluster

PREFIX = "upgrade."
BETWEEN = 100  # events of each kind between two steps


class Posting:
    """Posts events of both kinds to the webhook, one after the other, until it is told to stop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="posting", daemon=True)
        self.accepted: dict[str, set[str]] = {CHANGED: set(), NEW: set()}
        self.refused = 0

    def wait(self, more: int) -> None:
        """Until so many more of each are accepted."""
        goal = len(self.accepted[NEW]) + more
        wait_for(lambda: not self._thread.is_alive() or len(self.accepted[NEW]) >= goal, "accepted events")
        assert self._thread.is_alive()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """It posts while the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join()

    def _run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        number = 0
        while not self._ending.wait(0.005):
            for name in (CHANGED, NEW):
                number += 1
                body = payload(name, number)
                connection.request("POST", "/", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 202:
                    self.accepted[name].add(event_id(body))
                else:
                    self.refused += 1
        connection.close()


def payload(name: str, number: int) -> bytes:
    """One event as Canvas JSON, with the field that only the next set knows."""
    metadata = {"event_name": name, "event_time": "2026-03-01T09:30:00.125Z", "request_id": str(number)}
    return json.dumps({"metadata": metadata, "body": {"redirect_url": "/", FIELD: "good"}}).encode()


def register_released(registry_url: str) -> None:
    """Every released set, one after the other, as the deployments before this one did."""
    history = read_history(schema_folder())
    versions = sorted({released.version for every in history.values() for released in every})
    with Registry(SchemaRegistrySettings(url=registry_url)) as registry:
        for version in versions:
            schemas = {
                topic_of(name): item.schema
                for name, every in history.items()
                for item in every
                if item.version == version
            }
            assert register_all(registry, schemas)


def topic_of(name: str) -> str:
    """Of a schema, by its name in a released set."""
    names = TopicNames(PREFIX)
    if name.startswith("rollup."):
        return names.rollup(name.removeprefix("rollup."))
    return names.unknown if name == "unknown" else names.typed(name)


def registered(registry_url: str, topic: str) -> str:
    """The newest schema of a topic."""
    with SchemaRegistryClient({"url": registry_url, "timeout": 30}) as registry:
        text: str | None = registry.get_latest_version(f"{topic}-value").schema.schema_str
    assert text is not None
    return text


def replaced(worker: Pod, by: Pod, stack: ExitStack) -> None:
    """One pod ends in good order, and the next one takes its name in the group."""
    assert worker.end() == 0, worker.log()
    stack.enter_context(by).wait_until_ready()


def test_an_upgrade_under_load_loses_and_doubles_nothing_for_old_consumers_and_new(
    cluster: KafkaCluster, image: str, tmp_path: Path
) -> None:
    write_next_set(tmp_path / "avro")
    next_image = image_of(image, tmp_path / "avro", tmp_path)
    site = CutSite(cluster, image, PREFIX, tmp_path)
    register_released(cluster.registry_url)
    site.prepare()
    with ExitStack() as stack:
        webhook = stack.enter_context(site.make_webhook())
        workers = [stack.enter_context(site.make_worker(name)) for name in ("one", "two")]
        for pod in (webhook, *workers):
            pod.wait_until_ready()
        posting = Posting(webhook.port)
        old = stack.enter_context(reader(site, "old"))
        with posting.under_way():
            posting.wait(BETWEEN)
            for step in ("topics", "create"), ("schemas", "register"):
                stack.enter_context(site.pod(step[0], "canvas-processors", *step, image=next_image)).succeed()
            new = stack.enter_context(reader(site, "new"))
            for worker, name in zip(workers, ("one", "two"), strict=True):
                replaced(worker, site.make_worker(name, next_image), stack)
                posting.wait(BETWEEN)
        site.wait_until_processed()
        for each in (old, new):
            wait_for(lambda each=each: each.has(posting.accepted[CHANGED]), each.config["group.id"])  # type: ignore[misc]
    assert posting.refused == 0
    assert old.times == new.times == Counter(posting.accepted[CHANGED])
    assert len(old.schema_ids) == 2
    assert all(FIELD not in body for body in old.bodies.values())
    assert {body[FIELD] for body in new.bodies.values()} == {None, "good"}
    typed, unknown = site.ids_in(NEW), site.ids_in("unknown")
    assert typed + unknown == Counter(posting.accepted[NEW])
    assert typed
    assert unknown
    assert not site.ids_in("dead_letter")


def reader(site: CutSite, group: str) -> Reader:
    """A consumer with the newest schema of this moment."""
    topic = f"{PREFIX}{CHANGED}"
    config = site.cluster.client_config(ADMIN, {"group.id": group, "log_level": 2})
    return Reader(config, topic, site.cluster.registry_url, registered(site.cluster.registry_url, topic))
