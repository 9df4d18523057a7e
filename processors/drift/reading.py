"""Reads the typed topics and canvas.unknown for the commands that look for drift."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import click
from confluent_kafka import Message
from rich.console import Console
from rich.progress import Progress

from bridge.command_line import read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import configure_logging
from processors.catalogue import Catalogue
from processors.names import TopicNames, subject
from processors.registry import Registry, RegistryError
from processors.topics.point_in_time import PointInTime
from processors.topics.topic_scan import ScanFailed, TopicScan
from processors.wire_format import Decoder, Unreadable

Command = TypeVar("Command", bound=Callable[..., Any])


class Collector(Protocol):
    """What is to be made of the records."""

    def add(self, event_name: str, record: Mapping[str, Any]) -> None:
        """Takes a record of a typed topic."""

    def add_unknown(self, record: Mapping[str, Any]) -> None:
        """Takes a record of the unknown topic."""


@dataclass(slots=True)
class ReadingRequest:
    """Which events (none named: all), since when, and the settings as the command line gave them."""

    events: tuple[str, ...]
    since: int | None
    options: dict[str, Any]


@dataclass(slots=True)
class _Reading:
    """One pass: topic -> event name (None: the unknown topic), and what of it could not be read."""

    topics: dict[str, str | None]
    names: frozenset[str]
    unreadable: Counter[str] = field(default_factory=Counter)

    def pass_on(self, messages: list[Message], decoders: Mapping[str, Decoder], to: Collector) -> None:
        for message in messages:
            topic = str(message.topic())
            try:
                record = decoders[topic].decode(message.value())
            except Unreadable:
                self.unreadable[topic] += 1
                continue
            event_name = self.topics[topic]
            if event_name is not None:
                to.add(event_name, record)
            elif not self.names or record["event_name"] in self.names:
                to.add_unknown(record)


def reading_options(command: Command) -> Command:
    """Adds the options of a ReadingRequest to a command."""
    decorators = (
        click.option(
            "--event", "events", metavar="NAME", multiple=True, help="Only this event; may be repeated."
        ),
        click.option(
            "--since",
            type=PointInTime(),
            metavar="TIME",
            help="Only what was received since: ISO 8601 with a zone, or 30m, 12h, 7d [default: everything].",
        ),
        settings_options(KafkaSettings, SchemaRegistrySettings, LogSettings),
    )
    for decorate in reversed(decorators):
        command = decorate(command)  # type: ignore[assignment]
    return command


def read_topics(request: ReadingRequest, catalogue: Catalogue, to: Collector) -> None:
    """Passes every record on, and says on standard error what is missing or cannot be read.

    Raises click.ClickException where Kafka or the registry is away, or no topic is there.
    """
    configure_logging(read_settings(LogSettings, request.options))
    kafka = read_settings(KafkaSettings, request.options)
    names = TopicNames(kafka.topic_prefix)
    reading = _Reading(_topics(request.events, catalogue, names), frozenset(request.events))
    try:
        with (
            Registry(read_settings(SchemaRegistrySettings, request.options)) as registry,
            closing(TopicScan(kafka, request.since)) as scan,
        ):
            found = scan.open(list(reading.topics))
            _say_missing([topic for topic in reading.topics if topic not in found], found, kafka.topic_prefix)
            decoders = {topic: Decoder(registry, subject(topic)) for topic in found}
            with Progress(
                console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
            ) as progress:
                task = progress.add_task("Reading", total=scan.size)
                for messages, done in scan.batches():
                    reading.pass_on(messages, decoders, to)
                    progress.update(task, completed=done)
    except (ScanFailed, RegistryError) as error:
        raise click.ClickException(str(error)) from None
    for topic, number in reading.unreadable.items():
        click.echo(f"{topic}: {number} records are not readable as what {subject(topic)} says", err=True)


def _topics(events: Sequence[str], catalogue: Catalogue, names: TopicNames) -> dict[str, str | None]:
    """Topic -> its event name; an event that no schema knows can only be in the unknown topic."""
    wanted = events or list(catalogue.events)
    topics: dict[str, str | None] = {names.typed(name): name for name in wanted if name in catalogue.events}
    return topics if events and len(topics) == len(set(events)) else {**topics, names.unknown: None}


def _say_missing(missing: Sequence[str], found: Sequence[str], prefix: str) -> None:
    if not missing:
        return
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    text = (
        f"no topic {', '.join(missing[:3])}{more}: run `canvas-processors topics create`, or check "
        f"KAFKA_TOPIC_PREFIX ({prefix})"
    )
    if not found:
        raise click.ClickException(text)
    click.echo(text, err=True)
