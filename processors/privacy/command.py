"""`canvas-processors privacy`: which personal data stands in which topic, and what a policy does to it."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import click
import orjson

from bridge.command_line import read_settings, settings_options
from bridge.settings import TopicNameSettings
from processors.catalogue import Catalogue, load_catalogue
from processors.names import TopicNames
from processors.privacy.decisions import load_policy
from processors.privacy.policy import CLASSES, Policy
from processors.privacy.report import NO_POLICY, Finding, findings
from processors.table import print_table

_COLUMNS: Final = ("topic", "field", "class", "action", "rule", "note")


@click.group("privacy")
def command() -> None:
    """Personal data in the topics: where it is, and what a privacy policy does to it."""


@command.command("report")
@click.option(
    "--policy",
    "file",
    metavar="FILE",
    envvar="PROCESSORS_PRIVACY__POLICY",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The policy; without one everything is kept. [env: PROCESSORS_PRIVACY__POLICY]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every topic by itself.")
@settings_options(TopicNameSettings)
def report(*, file: Path | None, as_json: bool, **options: Any) -> None:
    """Lists every field that holds personal data, per topic, its class, and what the policy does to it.

    A field of any class that the policy takes by its path is listed too. What is the same in every typed
    topic is listed once. Needs neither Kafka nor the key.

    \b
    Exit status: 0 the report is printed, 2 misuse, or a policy that cannot be applied.

    \b
    Example:
      canvas-processors privacy report --policy privacy.toml
    """  # noqa: D301 - click wants the character, not its escape
    catalogue = load_catalogue()
    names = TopicNames(read_settings(TopicNameSettings, options).topic_prefix)
    try:
        policy = load_policy(file, catalogue) if file else None
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    found = list(findings(catalogue, names, policy or NO_POLICY))
    if as_json:
        head = policy and {"file": str(file), "version": policy.version, "fingerprint": policy.fingerprint}
        answer = {"policy": head, "fields": [asdict(finding) for finding in found]}
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        _print(found, catalogue, policy)


def _print(found: list[Finding], catalogue: Catalogue, policy: Policy | None) -> None:
    rows = [
        (item.topic, item.field, item.pii, item.action, item.rule, item.note)
        for item in _folded(found, len(catalogue.events))
    ]
    print_table(_COLUMNS, rows)
    counts = ", ".join(f"{sum(item.pii == pii for item in found)} {pii}" for pii in CLASSES)
    said = f"policy {policy.version}/{policy.fingerprint}" if policy else "no policy: all of it is kept"
    click.echo(f"{len(found)} fields in {len({item.topic for item in found})} topics: {counts}; {said}")


def _folded(found: Iterable[Finding], events: int) -> list[Finding]:
    """What is the same in every typed topic once, before the rest."""
    same: dict[Finding, int] = {}
    for item in found:
        alike = replace(item, topic=f"all {events} typed topics", event=None)
        same[alike] = same.get(alike, 0) + (item.event is not None)
    common = {alike: None for alike, count in same.items() if count == events}
    rest = [
        item
        for item in found
        if item.event is None or replace(item, topic=f"all {events} typed topics", event=None) not in common
    ]
    return [*common, *rest]
