"""`canvas-processors dead-letter`: what could not be converted, told, mended and replayed."""

import sys
from collections.abc import Iterator
from typing import Any, Final

import click
import orjson

from bridge.command_line import LazyGroup, read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings
from bridge.telemetry import configure_logging
from processors.dead_letters.letters import DeadLetter, read_letter
from processors.dead_letters.selection import find_place, select, selection_options
from processors.dead_letters.show import as_json as letter_as_json
from processors.dead_letters.show import print_letter, row
from processors.dead_letters.summary import Summary
from processors.names import TopicNames
from processors.replay.reading import Span, TopicReader
from processors.table import print_table

LIST_COLUMNS: Final = ("letter", "received", "event id", "event", "reason", "field", "fingerprint")
SUMMARY_COLUMNS: Final = (
    *("fingerprint", "letters", "share", "first seen", "last seen", "reason", "event", "field", "example"),
    *("letter", "message"),
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")

command = LazyGroup(
    name="dead-letter",
    help="What could not be converted: count it, look at it, mend it, replay it.",
    members={
        "summary": "processors.dead_letters.command:summary",
        "list": "processors.dead_letters.command:list_letters",
        "show": "processors.dead_letters.command:show",
        "replay": "processors.dead_letters.replay_command:replay",
    },
)


@click.command("summary")
@_JSON
@selection_options
@settings_options(KafkaSettings, LogSettings)
def summary(*, as_json: bool, **options: Any) -> None:
    """Counts dead letters by fingerprint: failures with the same reason, event and place are one group.

    Per group: how many, their share, when the first and the last was received, what stands at the place,
    masked (letters as a, digits as 9), and one letter for `dead-letter show`.

    \b
    Exit status: 0 whatever is found, 1 Kafka cannot be read, 2 misuse.

    \b
    Example:
      canvas-processors dead-letter summary --since 7d
    """  # noqa: D301 - click wants the character, not its escape
    found = Summary()
    for letter in _letters(options):
        found.add(letter)
    rows = list(found.rows())
    if as_json:
        for item in rows:
            click.echo(orjson.dumps(item))
        return
    if rows:
        print_table(SUMMARY_COLUMNS, [_summary_row(item) for item in rows])
    other = f"; other: {found.other} letters of further groups" if found.other else ""
    click.echo(f"{found.letters} dead letters in {len(rows)} groups{other}")


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@_JSON
@selection_options
@settings_options(KafkaSettings, LogSettings)
def list_letters(*, limit: int, as_json: bool, **options: Any) -> None:
    """Lists dead letters, one per line, in the order Kafka has them.

    \b
    Exit status: 0 whatever is found, 1 Kafka cannot be read, 2 misuse.

    \b
    Example:
      canvas-processors dead-letter list --reason invalid_event_time --from 2026-03-01T00:00:00Z
    """  # noqa: D301 - click wants the character, not its escape
    rows: list[dict[str, Any]] = []
    more = False
    for letter in _letters(options):
        more = len(rows) == limit
        if more:
            break
        rows.append(row(letter))
    if as_json:
        for item in rows:
            click.echo(orjson.dumps(item))
    elif rows:
        print_table(LIST_COLUMNS, [_list_row(item) for item in rows])
    if more:
        click.echo(f"the first {limit}; there are more: --limit", err=True)
    elif not rows:
        click.echo("no dead letter is like that", err=True)


@click.command("show")
@click.argument("letter", metavar="PARTITION/OFFSET|EVENT_ID")
@click.option("--unmasked", is_flag=True, help="Show the payload as it is. It holds personal data.")
@_JSON
@settings_options(KafkaSettings, LogSettings)
def show(*, letter: str, unmasked: bool, as_json: bool, **options: Any) -> None:
    """Shows a dead letter: why it is one, how to mend it, its headers and its payload, masked.

    TOPIC/PARTITION/OFFSET will do too, also that of the raw record. Of a delivery with several events
    (Caliper) there can be several letters with its event id.

    \b
    Exit status: 0 it is shown, 1 it is not there or Kafka cannot be read, 2 misuse.

    \b
    Example:
      canvas-processors dead-letter show 2/17
    """  # noqa: D301 - click wants the character, not its escape
    place = find_place(letter)
    wanted = {"places": (place,)} if place else {"event_ids": (letter,)}
    found = 0
    for item in _letters({**options, **wanted}):
        found += 1
        if as_json:
            click.echo(orjson.dumps(letter_as_json(item, unmasked=unmasked)))
        else:
            print_letter(item, unmasked=unmasked)
        if place and place != item.raw.position:  # of one raw record there can be several letters
            break
    if not found:
        click.echo(f"no dead letter {letter}: it has expired, or see `dead-letter list`", err=True)
    sys.exit(0 if found else 1)


def _letters(options: dict[str, Any]) -> Iterator[DeadLetter]:
    selection = select(options)
    configure_logging(read_settings(LogSettings, options))
    kafka = read_settings(KafkaSettings, options)
    topic = TopicNames(kafka.topic_prefix).dead_letter
    with TopicReader(kafka) as reader:
        for messages in reader.batches([topic], Span(selection.since, selection.until), "Reading"):
            for message in messages:
                letter = read_letter(message)
                if selection.takes(letter):
                    yield letter


def _list_row(item: dict[str, Any]) -> tuple[object, ...]:
    place = "/".join(item["letter"].split("/")[1:])
    return place, *list(item.values())[1:]


def _summary_row(item: dict[str, Any]) -> tuple[object, ...]:
    minutes = {name: f"{item[name][:10]} {item[name][11:16]}" for name in ("first_seen", "last_seen")}
    return tuple({**item, "share": f"{item['share']:.1%}", **minutes}.values())
