"""What the chart puts into the environment is what the programs read, with the same defaults."""

from pathlib import Path
from typing import Any

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from opentelemetry.sdk import environment_variables
from opentelemetry.sdk.trace import TracerProvider

from bridge.door_settings import RedactSettings, SpoolSettings, SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings
from bridge.tracing import asked_for
from processors.settings import DeadLetterLimitSettings, PrivacySettings, WorkerSettings
from tests.chart.programs import FIELDS, MODELS, environment, read, read_by
from tests.chart.release import (
    EXAMPLES,
    MINIMUM,
    SPOOL,
    SQS,
    at,
    containers,
    example,
    merged,
    render,
    variables,
)

OTEL = {name for name in vars(environment_variables) if name.startswith("OTEL_")}
AWS = {
    variable for _, variable, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values() if isinstance(variable, str)
}
OTHER = {"SECRETS_DIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# Where a pod must or had better differ from a program started by hand.
DELIBERATE = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "SCHEMA_REGISTRY_URL": "http://registry:8081",
    "LOG_FORMAT": "json",
    "BRIDGE_ADMIN__HOST": "0.0.0.0",
    "BRIDGE_WEBHOOK__HOST": "0.0.0.0",
    "BRIDGE_SQS__QUEUE_URL": "https://sqs/queue",
    "BRIDGE_SPOOL__DIRECTORY": Path("/var/lib/canvas-bridge/spool"),
    "BRIDGE_STATE_DIRECTORY": Path("/var/lib/canvas-bridge/state"),
    "PROCESSORS_ADMIN__HOST": "0.0.0.0",
}
TRACES = at("tracing", {"otlpEndpoint": "http://collector:4318", "samplingRatio": 0.25})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_variable_is_read_by_somebody(path: Path) -> None:
    unknown = environment(example(path)).keys() - FIELDS.keys() - AWS - OTEL - OTHER
    assert not unknown


def test_commands_that_read_the_same_variable_all_get_it() -> None:
    release = render(MINIMUM, SQS, SPOOL)
    everything = environment(release).keys()
    # `check` reads what it is told of every door; what a pod of `helm test` tells is one door's.
    for workload in (item for item in release.workloads() if item["kind"] != "Pod"):
        for container in containers(workload):
            read = read_by(*container["command"]) & everything
            assert len(read) >= 4 or container["name"] == "guard"
            assert not read - variables(container).keys(), container["command"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_value_is_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(example(path))
    for model in MODELS:
        if model is not SqsSettings or "BRIDGE_SQS__QUEUE_URL" in env:
            read(model, env, monkeypatch)


def test_defaults_of_chart_and_programs_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(render(MINIMUM, SQS, SPOOL))
    different: dict[str, Any] = {}
    for variable in env.keys() & FIELDS.keys():
        model, name = FIELDS[variable]
        value = getattr(read(model, env, monkeypatch), name)
        if value != model.model_fields[name].get_default(call_default_factory=True):
            different[variable] = value
    assert different == DELIBERATE


def test_values_arrive_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    values = merged(
        MINIMUM,
        SQS,
        {
            "kafka": {"deliveryTimeoutSeconds": 12.5, "topicPrefix": "0815"},
            "webhook": {
                "rootAccountUuids": ["first", "second"],
                "issuer": "",
                "maxInFlightBytes": 1_234_567_890,
            },
            "worker": {"delivery": "at_least_once", "rollups": False},
        },
    )
    env = environment(render(values))
    kafka, webhook, worker = (
        read(model, env, monkeypatch) for model in (KafkaSettings, WebhookSettings, WorkerSettings)
    )
    assert (kafka.delivery_timeout_seconds, kafka.topic_prefix) == (12.5, "0815")  # type: ignore[attr-defined]
    assert webhook.root_account_uuids == {"first", "second"}  # type: ignore[attr-defined]
    assert not webhook.issuer  # type: ignore[attr-defined]
    assert webhook.max_in_flight_bytes == 1_234_567_890  # type: ignore[attr-defined]
    assert (worker.delivery, worker.rollups) == ("at_least_once", False)  # type: ignore[attr-defined]


def test_what_the_doors_and_the_worker_guard_arrives_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    values = merged(
        MINIMUM,
        SQS,
        {
            "redact": {"queryKeys": ["pin", "state"]},
            "webhook": {
                "accept": "both",
                "maxConnections": 100,
                "keepAliveSeconds": 370.5,
                "tls": {"existingSecret": "tls", "privateKeyKey": "private.pem"},
                "spool": {
                    "enabled": True,
                    "size": "40Gi",
                    "maxBytes": 34_359_738_368,
                    "maxAgeHours": 0.5,
                    "kafkaSeconds": 1.5,
                    "drainSeconds": 0,
                },
            },
            "worker": {
                "deadLetterLimit": {"share": 1, "events": 90_000, "minimum": 70, "inARow": 50},
                "privacy": {"policyConfigMap": "privacy", "policyKey": "ours.toml"},
            },
        },
    )
    env = environment(render(values))
    webhook = read(WebhookSettings, env, monkeypatch).model_dump()
    assert webhook["accept"] == "both"
    assert (webhook["max_connections"], webhook["keep_alive_seconds"]) == (100, 370.5)
    assert webhook["tls_certificate"] == "/run/secrets/webhook-tls/tls.crt"
    assert webhook["tls_key"] == "/run/secrets/webhook-tls/private.pem"
    spool = read(SpoolSettings, env, monkeypatch).model_dump(exclude={"directory"})
    assert list(spool.values()) == [34_359_738_368, 0.5, 1.5, 0]
    assert read(RedactSettings, env, monkeypatch).model_dump() == {"query_keys": {"pin", "state"}}
    limit = read(DeadLetterLimitSettings, env, monkeypatch).model_dump()
    assert limit == {"share": 1, "events": 90_000, "minimum": 70, "in_a_row": 50}
    privacy = read(PrivacySettings, env, monkeypatch).model_dump()
    assert privacy["policy"] == Path("/etc/canvas-bridge/privacy/ours.toml")


def test_without_a_spool_there_is_no_directory_for_it() -> None:
    found = environment(render(MINIMUM)).keys()
    assert not [name for name in found if "SPOOL" in name or name == "BRIDGE_STATE_DIRECTORY"]


def test_traces_are_off_unless_asked_for() -> None:
    found = environment(render(MINIMUM, SQS))
    assert asked_for(found) == []
    assert not found.keys() & OTEL


def test_doors_and_worker_make_traces_and_know_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    release = render(MINIMUM, SQS, TRACES)
    for kind, component in (("Deployment", "webhook"), ("Deployment", "sqs"), ("StatefulSet", "worker")):
        (container,) = containers(release.one(kind, component))
        found = variables(container)
        assert asked_for(found) == ["otlp"]
        for name in found.keys() & OTEL:
            monkeypatch.setenv(name, found[name])
        sampler = TracerProvider(shutdown_on_exit=False).sampler.get_description()
        assert sampler.startswith("ParentBased{root:TraceIdRatioBased{0.25}")
    assert not [
        container
        for container in containers(release.one("Job", "setup"))
        if variables(container).keys() & OTEL
    ]
