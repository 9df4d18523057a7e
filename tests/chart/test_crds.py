"""Objects of other projects' kinds are what their definitions allow; the examples beside the values too."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from processors.catalogue import load_catalogue
from processors.names import TopicNames
from processors.settings import GroupSettings, TopicSettings
from processors.topics.topic_plan import FoundTopic, differences, plan_topics
from tests.chart.crds import FOLDER, Definitions, definitions, validate
from tests.chart.release import CHART, EXAMPLES, Manifest, example, merged, read_yaml

OURS = sorted((CHART / "examples").glob("*.yaml"))
# What no file of definitions is at hand for: looked at by eye, against cert-manager's own documentation.
WITHOUT = {"Certificate"}


@pytest.fixture(scope="module")
def known() -> Definitions:
    found = definitions()
    if not found:
        pytest.skip(f"no CustomResourceDefinitions in {FOLDER}: set CRDS to a folder that has them")
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_objects_of_operators_are_valid(path: Path, known: Definitions) -> None:
    for manifest in example(path).custom():
        validate(manifest, known)


def test_the_examples_have_an_object_of_every_kind() -> None:
    kinds = {item["kind"] for path in EXAMPLES for item in example(path).custom()}
    assert {"ScaledObject", "TriggerAuthentication", "PodMonitor"} <= kinds


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_what_stands_beside_the_values_is_valid(path: Path, known: Definitions) -> None:
    for manifest in documents(path):
        if manifest["kind"] not in WITHOUT:
            validate(manifest, known)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"maxReplicas": 3}},
        {"spec": {"maxReplicaCount": "3"}},
        {"spec": {"fallback": {"failureThreshold": 3, "replicas": 2, "behavior": "hope"}}},
        {"spec": {"advanced": {"horizontalPodAutoscalerConfig": {"behaviour": {}}}}},
    ],
    ids=str,
)
def test_the_definitions_can_refuse(known: Definitions, change: Any) -> None:
    (scaled,) = (
        item for item in custom("autoscaling", "ScaledObject") if "worker" in item["metadata"]["name"]
    )
    with pytest.raises(jsonschema.ValidationError):
        validate(merged(scaled, change), known)


def custom(name: str, kind: str) -> list[Manifest]:
    found = example(CHART / "ci" / f"{name}-values.yaml").custom()
    return [item for item in found if item["kind"] == kind]


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def strimzi(kind: str) -> Manifest:
    (found,) = (item for item in documents(CHART / "examples" / "strimzi.yaml") if item["kind"] == kind)
    return found


def test_strimzis_topic_is_as_the_setup_would_make_it() -> None:
    topic = strimzi("KafkaTopic")
    found = FoundTopic(
        topic["spec"]["partitions"],
        topic["spec"]["replicas"],
        {name: str(value) for name, value in topic["spec"]["config"].items()},
    )
    settings = TopicSettings(
        partitions=read_yaml(CHART / "ci" / "strimzi-values.yaml")["setup"]["partitions"]
    )
    planned = {each.name: each for each in _plan(settings)}
    assert differences(planned[topic["metadata"]["name"]], found) == []


def test_strimzis_user_may_have_every_topic() -> None:
    acls = [acl["resource"] for acl in strimzi("KafkaUser")["spec"]["authorization"]["acls"]]
    prefixes = tuple(acl["name"] for acl in acls if acl["type"] == "topic" and acl["patternType"] == "prefix")
    assert not [topic.name for topic in _plan(TopicSettings()) if not topic.name.startswith(prefixes)]
    secret = read_yaml(CHART / "ci" / "strimzi-values.yaml")["kafka"]["tls"]["clientSecret"]
    assert strimzi("KafkaUser")["metadata"]["name"] == secret


def _plan(settings: TopicSettings) -> Any:
    return plan_topics(load_catalogue(), TopicNames("canvas."), settings, GroupSettings().group_id)


def test_cert_managers_secret_is_the_webhooks() -> None:
    (certificate,) = documents(CHART / "examples" / "certificate.yaml")
    tls = read_yaml(CHART / "ci" / "spool-tls-privacy-values.yaml")["webhook"]["tls"]
    assert certificate["spec"]["secretName"] == tls["existingSecret"]
