"""A whole replay for a person: decisions told as they are made, counts in the end, an exit status."""

import logging
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click
import orjson

from bridge.command_line import read_settings
from bridge.settings import KafkaSettings
from processors.replay.reading import TopicReader
from processors.replay.replay import Replay, Source
from processors.replay.report import Report
from processors.replay.settings import ReplaySettings
from processors.replay.writer import writer
from processors.settings import Delivery
from processors.worker.client_logs import LIBRDKAFKA

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a replay is run: `dry_run` writes nothing; `tells` every event, for people or `as_json`.

    `what`: for the last line, what the events are of, like ` of dead letters`.
    """

    what: str
    dry_run: bool
    tells: bool
    as_json: bool


def run_replay(source: Source, report: Report, manner: Manner, options: dict[str, Any]) -> int:
    """The exit status. Raises click.ClickException where Kafka is away or another replay has begun."""
    if not log.isEnabledFor(logging.DEBUG):
        LIBRDKAFKA.disabled = True  # what it says of an error is told in words, once
    kafka, settings = read_settings(KafkaSettings, options), read_settings(ReplaySettings, options)
    if not manner.dry_run and settings.delivery is Delivery.AT_LEAST_ONCE:
        click.echo("at least once: nothing keeps a second replay from writing at the same time", err=True)
    written_by = None if manner.dry_run else writer(kafka, settings)
    prints = manner.as_json or manner.tells
    with TopicReader(kafka, prints=prints) as reader, closing(Replay(reader, source, written_by)) as replay:
        for decision in replay.run():
            report.note(decision)
            if manner.as_json:
                click.echo(orjson.dumps(report.as_json(decision)))
            elif manner.tells:
                report.tell(decision)
    if not manner.as_json:
        report.conclude(manner.what)
    return report.status
