"""Turns settings into command-line options: one description serves the variable, the flag and --help."""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bridge.settings import Settings

Model = TypeVar("Model", bound=Settings)
Command = Callable[..., Any]


def settings_options(*models: type[Settings]) -> Callable[[Command], Command]:
    """Adds one option per field of the models. Secrets get none: a command line can be read by others."""

    def decorate(command: Command) -> Command:
        for model in reversed(models):
            for name, field in reversed(model.model_fields.items()):
                command = _option(model, name, field)(command)
        return command

    return decorate


def read_settings(model: type[Model], options: dict[str, Any]) -> Model:
    """The settings of one model: flags before environment before defaults.

    Raises click.UsageError that names the variable, the cause and the remedy.
    """
    given = {name: options.get(_parameter(model, name)) for name in model.model_fields}
    try:
        return model(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise click.UsageError("\n".join(_explain(model, item) for item in error.errors())) from None


def _option(model: type[Settings], name: str, field: FieldInfo) -> Callable[[Command], Command]:
    variable = _variable(model, name)
    about = f"{field.description or ''} [env: {variable}]"
    if _is_secret(field):
        return lambda command: command
    if not field.is_required() and field.default not in (None, frozenset()):
        about += f" [default: {field.default}]"
    return click.option(_flag(model, name), _parameter(model, name), help=about, metavar="VALUE")


def _explain(model: type[Settings], error: Any) -> str:
    name = str(error["loc"][0])
    field = model.model_fields[name]
    cause = error["msg"].removeprefix("Value error, ")
    about = f"{_variable(model, name)}: {cause[:1].lower()}{cause[1:]}. {field.description}"
    return about if _is_secret(field) else f"{about} Set the variable or give {_flag(model, name)}."


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))


def _variable(model: type[Settings], name: str) -> str:
    return f"{model.model_config.get('env_prefix', '')}{name}".upper()


def _flag(model: type[Settings], name: str) -> str:
    return f"--{model.flag_prefix}{name}".replace("_", "-")


def _parameter(model: type[Settings], name: str) -> str:
    return f"{model.__name__.lower()}_{name}"


class LazyGroup(click.Group):
    """A group that imports a command (`module:attribute`) only when it is asked for.

    So `convert` starts without Kafka, and a command whose extra is not installed says so by itself.
    """

    def __init__(self, *, members: dict[str, str], **more: Any) -> None:
        super().__init__(**more)
        self._members = members

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command. As process 1 of a container it ends on SIGTERM, as any other process does."""
        if os.getpid() == 1:
            # The kernel spares process 1 what it has no handler for. Doors and worker set their own later.
            signal.signal(signal.SIGTERM, _end)
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order they are declared."""
        return list(self._members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command."""
        if cmd_name not in self._members:
            return None
        module, attribute = self._members[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
