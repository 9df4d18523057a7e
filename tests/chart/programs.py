"""What the programs read from their environment: the other side of what the chart writes."""

import itertools
import re

import click
import pytest

import bridge.__main__
import bridge.door_settings
import bridge.settings
import processors.__main__
import processors.settings
from bridge.settings import Settings
from tests.chart.release import Release, containers, variables

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
SECRET = {
    variable
    for variable, (model, name) in FIELDS.items()
    if "SecretStr" in str(model.model_fields[name].annotation)
}


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


def command_of(program: str, *names: str) -> click.Command:
    """The command a container runs."""
    command: click.Command | None = PROGRAMS[program]
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    return command


def read_by(program: str, *names: str) -> set[str]:
    """The variables in the --help of a command line's command."""
    command = itertools.takewhile(lambda name: not name.startswith("-"), names)
    options = command_of(program, *command).params
    helps = [str(option.help) for option in options if isinstance(option, click.Option)]
    return set(re.findall(r"\[env: (\w+)\]", " ".join(helps)))
