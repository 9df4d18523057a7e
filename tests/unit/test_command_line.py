"""Settings as options: flags before environment before defaults, and errors that name the remedy."""

from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner, Result
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from bridge.__main__ import main
from bridge.command_line import LazyGroup, read_settings, settings_options
from bridge.settings import Settings


class Example(Settings):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")
    flag_prefix = "example-"

    url: str = Field(description="Where it is.")
    size: int = Field(7, ge=1, description="How large.")
    mode: Literal["fast", "safe"] = Field("safe", description="How.")
    comment: str | None = Field(None, description="Anything.")
    password: SecretStr | None = Field(None, description="A secret.")
    token: SecretStr = Field(SecretStr("x"), description="Another.")


@click.command()
@settings_options(Example)
def example(**options: Any) -> None:
    settings = read_settings(Example, options)
    click.echo(settings.model_dump_json())
    click.echo(settings.password.get_secret_value() if settings.password else "")


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(example, list(arguments), env=environment)


def test_a_default_a_variable_and_a_flag_in_rising_rank() -> None:
    assert '"size":7' in run("--example-url", "u").output
    assert '"size":8' in run(EXAMPLE_URL="u", EXAMPLE_SIZE="8").output
    assert '"size":9' in run("--example-size", "9", EXAMPLE_URL="u", EXAMPLE_SIZE="8").output


def test_help_names_flag_variable_default_and_description() -> None:
    text = " ".join(run("--help").output.split())
    assert "--example-size VALUE How large. [env: EXAMPLE_SIZE] [default: 7]" in text
    assert "--example-url VALUE Where it is. [env: EXAMPLE_URL]" in text


def test_a_secret_has_no_flag_but_a_variable() -> None:
    assert "--example-password" not in run("--help").output
    assert "--example-token" not in run("--help").output
    assert run("--example-password", "x", EXAMPLE_URL="u").exit_code == 2
    assert run(EXAMPLE_URL="u", EXAMPLE_PASSWORD="swordfish").output.endswith("swordfish\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "EXAMPLE_URL: field required. Where it is. Set the variable or give --example-url."),
        (
            ["--example-url", "u", "--example-size", "0"],
            "EXAMPLE_SIZE: input should be greater than or equal to 1.",
        ),
        (["--example-url", "u", "--example-mode", "Slow"], "EXAMPLE_MODE: input should be 'fast' or 'safe'."),
    ],
)
def test_misuse_ends_with_2_and_names_field_cause_and_remedy(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_all_that_is_wrong_is_said_at_once() -> None:
    output = run(EXAMPLE_SIZE="many").output
    assert "EXAMPLE_URL" in output
    assert "EXAMPLE_SIZE" in output


def test_a_lazy_group_imports_a_member_only_when_it_is_asked_for() -> None:
    group = LazyGroup(
        name="tool", members={"here": "bridge.ingress.webhook:command", "gone": "no.such:thing"}
    )
    context = click.Context(group)
    assert group.list_commands(context) == ["here", "gone"]
    assert group.get_command(context, "other") is None
    command = group.get_command(context, "here")
    assert command is not None
    assert command.name == "webhook"
    with pytest.raises(ModuleNotFoundError):
        group.get_command(context, "gone")


@pytest.mark.parametrize("name", ["webhook", "sqs"])
def test_the_doors_explain_themselves(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "--kafka-bootstrap-servers" in result.output


def test_the_sqs_door_asks_for_its_queue() -> None:
    result = CliRunner().invoke(main, ["sqs"])
    assert result.exit_code == 2
    assert "BRIDGE_SQS__QUEUE_URL" in result.output


def test_the_webhook_reads_a_list_from_a_flag() -> None:
    # The admin port is no port: the command ends there, after it has read everything else.
    result = CliRunner().invoke(main, ["webhook", "--root-account-uuids", "a,b", "--admin-port", "70000"])
    assert result.exit_code == 2
    assert "BRIDGE_ADMIN__PORT" in result.output
    assert "ROOT_ACCOUNT" not in result.output
