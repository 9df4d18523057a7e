"""The command `canvas-bridge spool`: for people, and for hooks that must not end a pod too early."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import click
from confluent_kafka import KafkaException

from bridge.command_line import read_settings, settings_options
from bridge.contract import RawEvent
from bridge.door_settings import SpoolSettings
from bridge.ingress.base import now
from bridge.kafka import NotStored, Publisher
from bridge.settings import KafkaSettings, LogSettings
from bridge.spool.database import look_into
from bridge.spool.directory import SpoolUnusable
from bridge.spool.drain import Drain
from bridge.spool.leaving import leaving
from bridge.spool.spool import Spool, SpoolTrouble
from bridge.telemetry import configure_logging

LOOK_SECONDS: Final = 0.5

directory_option = click.option(
    "--directory",
    envvar="BRIDGE_SPOOL__DIRECTORY",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The spool's directory. [env: BRIDGE_SPOOL__DIRECTORY]",
)


@click.group("spool", help="Looks into the spool of a webhook, or empties one that was left behind.")
def command() -> None:
    """The console command."""


command.add_command(leaving)


@command.command(
    "status", help="Says what waits in a spool, beside the process that works on it. Status 0: nothing."
)
@directory_option
@click.option(
    "--wait",
    default=0.0,
    metavar="SECONDS",
    help="Waits so long for it to become empty (for a preStop hook).",
)
@click.option(
    "--after",
    default=0.0,
    metavar="SECONDS",
    help="Looks only then: a pod that is to end is still sent deliveries for some seconds.",
)
def status(directory: Path, wait: float, after: float) -> None:
    """Exit status 0 where the spool is empty, 1 where it is not, 2 where there is none."""
    if after:
        time.sleep(after)
    end = time.monotonic() + wait
    records, oldest = _look(directory)
    while records and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        records, oldest = _look(directory)
    age = 0 if oldest is None else max(0, now() - oldest) // 1000
    click.echo(f"{records} records, the oldest was received {age} s ago" if records else "empty")
    if records:
        raise SystemExit(1)


@command.command(
    "drain", help="Carries a spool into Kafka that no process works on. Status 0: nothing is left in it."
)
@directory_option
@settings_options(KafkaSettings, LogSettings)
def drain(directory: Path, **options: Any) -> None:
    """Raises click.ClickException (exit status 1) where records are left; running it again goes on."""
    kafka = read_settings(KafkaSettings, options)
    configure_logging(read_settings(LogSettings, options))
    _look(directory)
    try:
        asyncio.run(_drain(directory, kafka))
    except SpoolUnusable as error:
        raise click.ClickException(str(error)) from None
    except KafkaException as error:
        raise click.ClickException(f"Kafka's producer refuses its settings (KAFKA_*): {error}") from None


async def _drain(directory: Path, kafka: KafkaSettings) -> None:
    topic = f"{kafka.topic_prefix}raw"
    async with Publisher(kafka) as publisher, Spool(directory, SpoolSettings()) as spool:

        async def publish(event: RawEvent) -> None:
            await publisher.publish(topic, event.key or b"", event.value, event.headers, event.received_at)

        total, carrying = spool.records, Drain(spool, publish)
        try:
            while spool.waiting:
                await carrying.step()
        except (NotStored, SpoolTrouble) as error:
            raise click.ClickException(f"{spool.records} of {total} records are left: {error}") from None
        if spool.records:
            raise click.ClickException(f"{spool.records} of {total} records are left: Kafka refuses them")
    click.echo(f"{total} records carried into {topic}")


def _look(directory: Path) -> tuple[int, int | None]:
    try:
        return look_into(directory)
    except SpoolUnusable as error:
        raise click.UsageError(str(error)) from None
