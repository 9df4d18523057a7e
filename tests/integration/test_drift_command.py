"""`canvas-processors drift` and `schemas propose` on every engine: what they read, show, write and refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.contract import RawEvent
from bridge.identity import event_id
from bridge.kafka import producer_config
from bridge.sandbox.engines.base import Engine
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.registry import Registry, schema_ids, schemas_by_topic
from processors.schemas.registration import Change, register_all
from tests.drift_site import caliper_sample, canvas
from tests.integration.commands import processors
from tests.integration.engine_kafka import without_containers
from tests.integration.prepared import prepare
from tests.samples import CATALOGUE, RECEIVED_AT
from tests.schema_files import AVRO
from tests.schema_laws import check_laws

WAIT_SECONDS = 60
DAY = 86_400_000
LATER = RECEIVED_AT + DAY


class Cluster:
    """The typed topics of one test, to be filled as the worker fills them."""

    def __init__(self, engine: Engine, environment: dict[str, str]) -> None:
        self.environment = {
            **environment,
            "PROCESSORS_TOPICS__PARTITIONS": "2",
            # The records bear the time of the samples, and Kafka deletes by it.
            "PROCESSORS_TOPICS__TYPED_RETENTION_HOURS": "-1",
            "PROCESSORS_GROUP_ID": environment["KAFKA_TOPIC_PREFIX"],
        }
        self.engine = engine
        self.names = TopicNames(environment["KAFKA_TOPIC_PREFIX"])
        self.registry = SchemaRegistrySettings(url=environment["SCHEMA_REGISTRY_URL"])

    def prepare(self) -> None:
        prepare(self.environment)

    def publish(self, payloads: list[dict[str, Any]], received_at: int, *, aborted: bool = False) -> None:
        """Writes what the stages make of the payloads; `aborted`: in a transaction that comes to nothing."""
        settings = KafkaSettings(
            bootstrap_servers=self.engine.addresses.kafka_bootstrap_servers,
            delivery_timeout_seconds=WAIT_SECONDS,
        )
        pipeline = Pipeline(
            CATALOGUE, FanOut(CATALOGUE, self.names, schema_ids(CATALOGUE, self.names, self.registry))
        )
        own = {"transactional_id": self.names.prefix} if aborted else {}
        with Producer(producer_config(settings, **own)) as producer:
            if aborted:
                producer.init_transactions(WAIT_SECONDS)
                producer.begin_transaction()
            for payload in payloads:
                value = json.dumps(payload).encode()
                for outcome in pipeline.run(RawEvent(value, event_id(value).encode(), (), received_at)):
                    out = outcome.outgoing
                    producer.produce(out.topic, out.value, out.key, timestamp=out.timestamp)
            assert producer.flush(WAIT_SECONDS) == 0
            if aborted:
                producer.abort_transaction(WAIT_SECONDS)

    def drift(self, *arguments: str) -> Any:
        """What `drift --json` says."""
        done = processors(self.environment, "drift", "--json", *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def cluster(engine: Engine, environment: dict[str, str]) -> Cluster:
    return Cluster(engine, environment)


def moodful() -> dict[str, Any]:
    """A Caliper delivery with a value that no field takes."""
    payload = caliper_sample("grade_change")
    payload["data"][0]["generated"]["mood"] = "fine"
    return payload


SEEN = [
    canvas("course_created", {"course_id": "100000000000012", "term_code": "2026S"}),
    canvas("course_created", {"course_id": "100000000000013", "term_code": "2027W", "name": ["Knots"]}),
    canvas("course_created", {"course_id": "100000000000014"}),
    moodful(),
    canvas("thing_happened", {"course_id": "100000000000012", "colour": "red"}),
]


@without_containers
def test_drift_is_shown_by_event_and_place(cluster: Cluster) -> None:
    cluster.prepare()
    cluster.publish(SEEN, RECEIVED_AT)
    cluster.publish(SEEN[:1], LATER)
    if cluster.engine.delivery == "exactly_once":
        cluster.publish([canvas("course_created", {"never_committed": 1})], LATER, aborted=True)
    found = cluster.drift()
    fields = {item["field"]: item for item in found["fields"]}
    assert found["records"] == {"course_created": 4, "grade_change": 1}
    assert {(item["event"], field, item["kind"]) for field, item in fields.items()} == {
        ("course_created", "/body/term_code", "unknown field"),
        ("course_created", "/body/name", "does not fit"),
        ("grade_change", "/data/*/generated/mood", "unknown field"),
    }
    assert fields["/body/term_code"] == {
        "event": "course_created",
        "field": "/body/term_code",
        "kind": "unknown field",
        "seen": 3,
        "share": 0.75,
        "first_seen": "2026-03-01T09:30:00.000Z",
        "last_seen": "2026-03-02T09:30:00.000Z",
        "formats": ["CANVAS_JSON"],
        "types": ["string"],
        "example": "9999A",
    }
    assert [(item["event"], item["seen"]) for item in found["unknown_events"]] == [("thing_happened", 1)]

    since = cluster.drift("--since", "2026-03-01T09:30:00.001Z")
    assert since["records"] == {"course_created": 1}
    assert [(item["field"], item["seen"]) for item in since["fields"]] == [("/body/term_code", 1)]
    assert since["unknown_events"] == []
    assert cluster.drift("--since", "2027-03-01T00:00:00Z")["records"] == {}
    assert cluster.drift("--event", "grade_change")["records"] == {"grade_change": 1}
    named = cluster.drift("--event", "thing_happened")
    assert (named["records"], len(named["unknown_events"])) == ({}, 1)

    shown = processors(cluster.environment, "drift")
    assert shown.returncode == 0, shown.stderr
    rows = [line.split("  ")[0:2] for line in shown.stdout.splitlines()]
    assert ["course_created", "/body/term_code"] in [[cell.strip() for cell in row] for row in rows]
    assert "5 typed records of 2 events; places that no field took: 3; unknown events: 1" in shown.stdout
    assert not any(value in shown.stdout for value in ("2026S", "2027W", "Knots", "fine"))


@without_containers
def test_what_was_seen_becomes_schemas_that_the_registry_takes(cluster: Cluster, tmp_path: Path) -> None:
    cluster.prepare()
    cluster.publish(SEEN, RECEIVED_AT)
    folder = tmp_path / "avro"
    shutil.copytree(AVRO, folder)
    before = {path: path.read_text("utf-8") for path in folder.rglob("*.avsc")}

    arguments = ("schemas", "propose", "--avro", str(folder))
    tried = processors(cluster.environment, *arguments, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert '+            "name": "term_code", "type": ["null", "string"]' in tried.stdout
    assert {path: path.read_text("utf-8") for path in folder.rglob("*.avsc")} == before

    done = processors(cluster.environment, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{folder}/events/thing_happened.avsc: new, 2 fields" in done.stdout
    assert "left to you: course_created /body/name: the values do not fit its field" in done.stdout
    after = {path: path.read_text("utf-8") for path in folder.rglob("*.avsc")}
    changed = {
        path.relative_to(folder).as_posix() for path, text in after.items() if before.get(path) != text
    }
    assert changed == {
        f"events/{name}.avsc"
        for name in ("course_created", "course_updated", "grade_change", "thing_happened")
    }
    check_laws(folder, changed)

    catalogue = load_catalogue(folder)
    with Registry(cluster.registry) as registry:
        results = register_all(registry, schemas_by_topic(catalogue, cluster.names), dry_run=True)
    changes = {result.subject.removeprefix(cluster.names.prefix): result.change for result in results}
    assert changes["thing_happened-value"] is Change.NEW
    assert {name for name, change in changes.items() if change is Change.CHANGED} == {
        "course_created-value",
        "course_updated-value",
        "grade_change-value",
    }
    assert Change.REFUSED not in changes.values()

    again = processors(cluster.environment, *arguments)
    assert again.returncode == 0, again.stderr
    assert {path: path.read_text("utf-8") for path in folder.rglob("*.avsc")} == after


@without_containers
def test_what_is_missing_is_said(cluster: Cluster, tmp_path: Path) -> None:
    done = processors(cluster.environment, "drift", "--event", "course_created")
    assert done.returncode == 1
    assert (
        f"no topic {cluster.names.prefix}course_created: run `canvas-processors topics create`" in done.stderr
    )
    cluster.prepare()
    nothing = cluster.drift()
    assert nothing["records"] == {}
    assert nothing["fields"] == []

    cluster.publish(SEEN, RECEIVED_AT)
    elsewhere = {**cluster.environment, "SCHEMA_REGISTRY_URL": cluster.registry.url + "/no/such/path"}
    done = processors(elsewhere, "drift")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/no/such/path" in done.stderr
    assert "Traceback" not in done.stderr

    done = processors(cluster.environment, "schemas", "propose", "--avro", str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path} holds no catalogue of schemas" in done.stderr
