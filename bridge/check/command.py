"""The console command `canvas-bridge check`."""

import logging
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any, Final

import click
import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.check import CHECKS
from bridge.check.base import OUTCOMES, Finding, Outcome, Site
from bridge.check.run import run_checks, worst
from bridge.command_line import read_settings, settings_options
from bridge.door_settings import BridgeStateSettings, SpoolSettings, SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import configure_logging

STYLES: Final[dict[Outcome, str]] = {
    "ok": "green",
    "skipped": "dim",
    "warning": "yellow",
    "problem": "bold red",
}

Options = dict[str, Any]


@click.command("check")
@click.argument("doors", nargs=-1, type=click.Choice(["webhook", "sqs"]))
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@settings_options(
    KafkaSettings,
    WebhookSettings,
    SpoolSettings,
    BridgeStateSettings,
    SqsSettings,
    SchemaRegistrySettings,
    LogSettings,
)
def command(*, doors: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Says what is wrong with settings, Kafka, raw topic, registry, JWKS and SQS, and how to mend it.

    Changes nothing. Give a door to check that one alone; without, SQS is checked where BRIDGE_SQS__QUEUE_URL
    is set, and the webhook where anything of it is set or no queue is. The registry is checked where
    SCHEMA_REGISTRY_URL is set.

    \b
    Exit status: 0 no problem (warnings do not count), 1 a problem, 2 misuse.

    \b
    Example:
      canvas-bridge check webhook --root-account-uuids <uuid>
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where credentials were found
    findings = run_checks(CHECKS.values(), site_of(doors, options))
    (print_json if as_json else print_table)(findings)
    sys.exit(1 if worst(findings) == "problem" else 0)


def site_of(doors: tuple[str, ...], options: Options) -> Site:
    """What is configured of what was asked for. Raises click.UsageError."""
    queue_given = _queue_is_given(options)
    sqs = read_settings(SqsSettings, options) if "sqs" in doors or (not doors and queue_given) else None
    webhook = read_settings(WebhookSettings, options)
    if "webhook" not in doors and (doors or (sqs and not webhook.model_fields_set)):
        webhook = None  # type: ignore[assignment]
    registry = read_settings(SchemaRegistrySettings, options)
    return Site(
        read_settings(KafkaSettings, options),
        read_settings(BridgeStateSettings, options),
        read_settings(SpoolSettings, options),
        webhook,
        sqs,
        registry if "url" in registry.model_fields_set else None,
    )


def print_json(findings: list[Finding]) -> None:
    """One object: the worst outcome, and every finding."""
    document = {"outcome": worst(findings), "findings": [asdict(finding) for finding in findings]}
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def print_table(findings: list[Finding]) -> None:
    """For people; on a terminal in colour, elsewhere as wide as it needs to be."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("check", "", "finding", "what to do"):
        table.add_column(column, overflow="fold")  # an address cut short helps nobody
    for each in findings:
        outcome = Text(each.outcome, style=STYLES[each.outcome])
        table.add_row(Text(each.name), outcome, Text(each.finding), Text(each.remedy))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    counts = Counter(finding.outcome for finding in findings)
    click.echo(
        ", ".join(f"{outcome}: {counts[outcome]}" for outcome in reversed(OUTCOMES) if counts[outcome])
    )


def _queue_is_given(options: Options) -> bool:
    given = {"queue_url": options["sqssettings_queue_url"]} if options.get("sqssettings_queue_url") else {}
    try:
        return bool(SqsSettings(**given).queue_url)
    except ValidationError as error:
        return any(item["loc"] != ("queue_url",) or item["type"] != "missing" for item in error.errors())
