"""`canvas-processors schemas`: our schemas in the schema registry, in released sets and for other tools."""

import sys
from collections import Counter
from typing import Any

import click

from bridge.command_line import read_settings, settings_options
from bridge.settings import LogSettings, SchemaRegistrySettings, TopicNameSettings
from bridge.telemetry import configure_logging
from processors.catalogue import load_catalogue
from processors.drift.propose_command import command as propose
from processors.exports.command import export
from processors.names import TopicNames
from processors.registry import Registry, RegistryError, schemas_by_topic
from processors.schemas.gate import check, release
from processors.schemas.registration import LEVEL, Change, RegistrationStopped, SubjectResult, register_all
from processors.table import print_table, progress


@click.group("schemas")
def command() -> None:
    """Our Avro schemas: in the schema registry, in released sets, and for other tools."""


command.add_command(check)
command.add_command(release)
command.add_command(export)
command.add_command(propose)


@command.command("register")
@click.option("--dry-run", is_flag=True, help="Write nothing; test compatibility and say what would happen.")
@settings_options(SchemaRegistrySettings, TopicNameSettings, LogSettings)
def register(*, dry_run: bool, **options: Any) -> None:
    """Registers the schema of every typed topic, of the unknown events and of the rollups.

    Subjects are named <topic>-value and get the compatibility FULL_TRANSITIVE; a subject with a level of
    its own, other than the registry's default, keeps it. Where one schema is refused, none is written.
    Run again, it changes nothing.

    \b
    Exit status: 0 all are registered (--dry-run: can be), 1 not all are, 2 misuse.

    \b
    Example:
      canvas-processors schemas register --schema-registry-url http://registry:8081 --dry-run
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    names = TopicNames(read_settings(TopicNameSettings, options).topic_prefix)
    settings = read_settings(SchemaRegistrySettings, options)
    try:
        with Registry(settings) as registry:
            schemas = schemas_by_topic(load_catalogue(), names)
            results = register_all(registry, schemas, dry_run=dry_run, track=progress)
    except RegistrationStopped as stop:
        _report(stop.results, "stopped in the middle: run the command again")
        raise click.ClickException(str(stop)) from None
    except RegistryError as error:
        raise click.ClickException(str(error)) from None
    refused = any(result.change is Change.REFUSED for result in results)
    _report(results, _outcome(results, refused=refused, dry_run=dry_run))
    sys.exit(1 if refused else 0)


def _report(results: list[SubjectResult], outcome: str) -> None:
    rows = [(result.subject, result.id, result.version, result.change) for result in results]
    print_table(("subject", "id", "version", "change"), rows)
    for result in results:
        if result.level != LEVEL:
            click.echo(f"{result.subject}: has the compatibility {result.level} of its own and keeps it")
        for reason in result.reason.splitlines():
            click.echo(f"{result.subject}: {reason}", err=True)
    counts = Counter(result.change for result in results)
    parts = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    click.echo(f"{len(results)} subjects: {parts}; {outcome}")


def _outcome(results: list[SubjectResult], *, refused: bool, dry_run: bool) -> str:
    written = sum(result.written for result in results)
    if written or not refused:
        return "dry run, nothing was written" if dry_run else f"{written} written"
    return "nothing was written" + ("" if dry_run else ", for a refused schema holds back all")
