"""The command `canvas-bridge sandbox`: a Kafka, a schema registry and an SQS until Ctrl-C."""

import shlex
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import Addresses, Engine, EngineFailure, EngineOptions

QUEUE_NAME: Final = "canvas-live-events-sandbox"
CHECK_SECONDS: Final = 1.0
MEMBERS: Final = {"embedded": "embedded", "real": "processes", "containers": "containers"}


@click.command("sandbox")
@click.option(
    "--engine",
    type=click.Choice(tuple(MEMBERS)),
    default="embedded",
    show_default=True,
    help="embedded: in memory, in a second. real: Apache Kafka, Apicurio Registry and ElasticMQ as "
    "processes, downloaded once (240 MB). containers: the same in Docker.",
)
@click.option(
    "--brokers", type=click.Choice(("1", "3")), default="1", show_default=True, help="Kafka brokers."
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="With real: keep logs and data here, a folder per run. Else they go at the end.",
)
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the export lines here as soon as everything can be used; removed at the end.",
)
def command(engine: str, brokers: str, state_dir: Path | None, env_file: Path | None) -> None:
    """Starts what Canvas events need around the bridge, on this machine, until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if env_file is not None:
        env_file.unlink(missing_ok=True)  # of a run that was killed: whoever waits for it must wait for ours
    try:
        click.echo(f"Starting engine {engine} …", err=True)
        with ENGINES[MEMBERS[engine]](EngineOptions(int(brokers), state_dir)) as running:
            _serve(running, env_file)
        click.echo("Everything is stopped.", err=True)
    except (EngineFailure, OSError) as error:
        raise click.ClickException(str(error)) from None


def create_queue(addresses: Addresses, name: str = QUEUE_NAME) -> str:
    """The URL of a queue of that name, which is made where it is missing."""
    sqs = addresses.sqs()
    try:
        return sqs.create_queue(QueueName=name)["QueueUrl"]
    finally:
        sqs.close()


def export_lines(variables: Mapping[str, str]) -> str:
    """Lines for a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _serve(engine: Engine, env_file: Path | None) -> None:
    queue_url = create_queue(engine.addresses)
    lines = export_lines({**engine.addresses.environment(), "BRIDGE_SQS__QUEUE_URL": queue_url})
    _show(engine, queue_url, lines)
    if env_file is not None:
        _write_whole(env_file, lines)
    try:
        while True:
            time.sleep(CHECK_SECONDS)
            engine.check()
    except KeyboardInterrupt:
        click.echo("\nStopping …", err=True)
    finally:
        if env_file is not None:
            env_file.unlink(missing_ok=True)


def _show(engine: Engine, queue_url: str, lines: str) -> None:
    addresses = engine.addresses
    table = Table(title=f"Sandbox ({engine.name})", title_justify="left")
    table.add_column("part")
    table.add_column("address", overflow="fold")
    table.add_row("Kafka", addresses.kafka_bootstrap_servers)
    table.add_row("Schema registry", addresses.schema_registry_url)
    table.add_row("SQS", addresses.sqs_endpoint_url)
    table.add_row("SQS queue", queue_url)
    table.add_row("Delivery", addresses.delivery.replace("_", " "))
    Console().print(table)
    click.echo(f"\nPaste this into another shell:\n\n{lines}\nCtrl-C stops everything.")


def _write_whole(path: Path, text: str) -> None:
    """A reader finds the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
