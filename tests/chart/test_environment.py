"""What the chart puts into the environment is what the programs read, with the same defaults."""

import os
import re
from pathlib import Path
from typing import Any

import click
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

import bridge.__main__
import bridge.door_settings
import bridge.settings
import processors.__main__
import processors.settings
from bridge.door_settings import SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings, SchemaRegistrySettings, Settings
from processors.settings import WorkerSettings
from tests.chart.release import EXAMPLES, MINIMUM, Release, containers, example, merged, render, variables

PROGRAMS = {"canvas-bridge": bridge.__main__.main, "canvas-processors": processors.__main__.main}
MODELS: list[type[Settings]] = sorted(
    {
        model
        for module in (bridge.settings, bridge.door_settings, processors.settings)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Settings) and model is not Settings
    },
    key=lambda model: model.__name__,
)
FIELDS = {
    f"{model.model_config.get('env_prefix', '')}{name}".upper(): (model, name)
    for model in MODELS
    for name in model.model_fields
}
AWS = {
    variable for _, variable, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values() if isinstance(variable, str)
}
OTHER = {"SECRETS_DIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "OTEL_SERVICE_NAME"}
# Where a pod must or had better differ from a program started by hand.
DELIBERATE = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "SCHEMA_REGISTRY_URL": "http://registry:8081",
    "LOG_FORMAT": "json",
    "BRIDGE_ADMIN__HOST": "0.0.0.0",
    "BRIDGE_WEBHOOK__HOST": "0.0.0.0",
    "BRIDGE_SQS__QUEUE_URL": "https://sqs/queue",
    "PROCESSORS_ADMIN__HOST": "0.0.0.0",
}
SQS = {"sqs": {"enabled": True, "queueUrl": "https://sqs/queue"}}


def environment(release: Release) -> dict[str, str]:
    """All variables of all containers: the same name has the same value everywhere."""
    found: dict[str, str] = {}
    for workload in release.workloads():
        for container in containers(workload):
            for name, value in variables(container).items():
                assert found.setdefault(name, value) == value
    return found


def read(model: type[Settings], env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as a program in a pod with that environment would have them."""
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return model()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_variable_is_read_by_somebody(path: Path) -> None:
    unknown = environment(example(path)).keys() - FIELDS.keys() - AWS - OTHER
    assert not unknown


def read_by(program: str, *names: str) -> set[str]:
    """The variables in a command's own --help."""
    command: click.Command | None = PROGRAMS[program]
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    helps = [str(option.help) for option in command.params if isinstance(option, click.Option)]
    return set(re.findall(r"\[env: (\w+)\]", " ".join(helps)))


def test_commands_that_read_the_same_variable_all_get_it() -> None:
    release = render(MINIMUM, SQS)
    everything = environment(release).keys()
    for workload in release.workloads():
        for container in containers(workload):
            read = read_by(*container["command"]) & everything
            assert len(read) >= 4
            assert not read - variables(container).keys(), container["command"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_value_is_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(example(path))
    for model in MODELS:
        if model is not SqsSettings or "BRIDGE_SQS__QUEUE_URL" in env:
            read(model, env, monkeypatch)


def test_defaults_of_chart_and_programs_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(render(MINIMUM, SQS))
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


def test_secrets_are_files_and_never_variables() -> None:
    (path,) = (path for path in EXAMPLES if path.stem.startswith("sasl"))
    release = example(path)
    secret = {
        variable
        for variable, (model, name) in FIELDS.items()
        if "SecretStr" in str(model.model_fields[name].annotation)
    }
    assert len(secret) >= 2
    assert not secret & environment(release).keys()
    for workload in release.workloads():
        for container in containers(workload):
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            assert mounts[variables(container)["SECRETS_DIR"]]["readOnly"] is True


def test_a_mounted_secret_is_read(tmp_path: Path) -> None:
    # As the kubelet lays it out: links to links, so that an update is one rename.
    data = tmp_path / "..2026_01_01"
    data.mkdir()
    (tmp_path / "..data").symlink_to(data.name)
    for key, text in {
        "kafka_sasl_password": "one\n",
        "schema_registry_basic_auth_user_info": "two:three",
    }.items():
        (data / key).write_text(text)
        (tmp_path / key).symlink_to(os.path.join("..data", key))  # noqa: PTH118 - a relative link
    kafka, registry = KafkaSettings(_secrets_dir=tmp_path), SchemaRegistrySettings(_secrets_dir=tmp_path)
    assert kafka.sasl_password is not None
    assert kafka.sasl_password.get_secret_value() == "one"
    assert registry.basic_auth_user_info is not None
    assert registry.basic_auth_user_info.get_secret_value() == "two:three"
