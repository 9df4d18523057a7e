"""`canvas-processors explain`: one event's whole journey."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import click
import orjson

from bridge.command_line import read_settings, settings_options
from bridge.contract import Position
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import configure_logging
from processors.audit.journey import Explorer, Journey
from processors.audit.outcomes import Outcomes
from processors.audit.reading import Question
from processors.audit.search import Search
from processors.catalogue import load_catalogue
from processors.names import TopicNames
from processors.registry import Registry, RegistryError
from processors.replay.reading import Span, TopicReader
from processors.settings import WindowSettings
from processors.topics.point_in_time import PointInTime

_PLACE: Final = re.compile(r"(.+)/(\d+)/(\d+)", re.ASCII)
_TIME: Final[dict[str, Any]] = {"type": PointInTime(), "metavar": "TIME"}
_NOT_SHOWN: Final = {"payload", "became", "record", "kind", "rollups", "problem"}


@click.command("explain", short_help="One event's whole journey.")
@click.argument("event")
@click.option("--json", "wants_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--payload", "--unmasked", "unmasked", is_flag=True, help="Show values as they are.")
@click.option(
    "--from", "since", help="Look for the event id from then on: ISO 8601 with a zone, or 12h, 7d.", **_TIME
)
@click.option("--to", "until", help="Look for the event id up to then.", **_TIME)
@settings_options(WindowSettings, KafkaSettings, SchemaRegistrySettings, LogSettings)
def command(*, event: str, wants_json: bool, unmasked: bool, **options: Any) -> None:
    """Tells when and by which door EVENT came, what became of each delivery, and what that went into.

    EVENT is an event_id, or topic/partition/offset of any record of it: raw, typed, unknown, dead letter.
    Of an id the raw topic's partition is known, so that one partition is read; --from and --to make it less.
    A place needs no search. Payloads are shown masked: letters as a, digits as 9.

    \b
    Exit status: 0 it is found and something came of it, 1 it is not or Kafka is away, 2 misuse.

    \b
    Example:
      canvas-processors explain 0b4d2e6e-8f3b-8a1c-9c55-1f2e3d4c5b6a
      canvas-processors explain canvas.course_updated/3/1207
    """  # noqa: D301 - click wants the character, not its escape
    span = Span(options.pop("since"), options.pop("until"))
    configure_logging(read_settings(LogSettings, options))
    kafka, workers = read_settings(KafkaSettings, options), read_settings(WindowSettings, options)
    question = Question(kafka, workers.group_id, workers.duplicate_window_seconds * 1000, span, 0)
    try:
        with (
            TopicReader(kafka) as reader,
            Registry(read_settings(SchemaRegistrySettings, options)) as registry,
        ):
            outcomes = Outcomes(registry, TopicNames(kafka.topic_prefix), unmasked=unmasked)
            explorer = Explorer(question, load_catalogue(), Search(kafka, reader), outcomes)
            place = _PLACE.fullmatch(event)
            journey = (
                explorer.of_place(Position(place[1], int(place[2]), int(place[3])))
                if place
                else explorer.of_id(event)
            )
    except RegistryError as error:
        raise click.ClickException(str(error)) from None
    if wants_json:
        click.echo(orjson.dumps(asdict(journey), option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(_lines(journey)))
    sys.exit(0 if journey.is_whole else 1)


def _lines(journey: Journey) -> Iterator[str]:
    yield f"event {journey.event_id}"
    if journey.expired:
        yield f"its raw record {journey.expired} is there no longer"
    for record in journey.records:
        yield from _record(record)
    for number, delivery in enumerate(journey.deliveries):
        again = " again" if number else ""
        yield f"received{again} {delivery['received_at']} as {delivery['raw']}"
        yield from _facts(
            {name: value for name, value in delivery.items() if name not in ("raw", "received_at")}
        )
        for record in delivery["became"]:
            yield from _record(record)
    if journey.deliveries:
        yield "payload"
        yield orjson.dumps(journey.deliveries[0]["payload"], option=orjson.OPT_INDENT_2).decode()


def _record(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {record['kind']} {record['record']}"
    for line in _facts(record):
        yield f"  {line}"
    for rollup in record.get("rollups", ()):
        went = f"left out: {rollup['left_out']}" if "left_out" in rollup else f"key {rollup['key']}"
        yield f"    {'rollup':<24}{rollup['topic']}, {went}"
    if "problem" in record:
        yield f"    {'problem':<24}{record['problem']}"


def _facts(told: Mapping[str, Any]) -> Iterator[str]:
    for name, value in told.items():
        if value is not None and name not in _NOT_SHOWN:
            text = (
                ", ".join(f"{key} {item}" for key, item in value.items())
                if isinstance(value, dict)
                else value
            )
            yield f"  {name.replace('_', ' '):<24}{text}"
