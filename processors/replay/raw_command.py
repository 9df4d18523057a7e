"""`canvas-processors raw replay`: a span of the raw topic, converted again after a fix.

Into the same topics only what is not there yet is written, so a schema that is new, or a stage that is
mended, reaches what was converted without it. Into topics under another prefix everything is written, dead
letters too: two derivations of the same deliveries, to be compared or switched to. Memory does not grow with
the span: see processors/replay/wanted.py.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import click
from confluent_kafka import Message

from bridge.command_line import read_settings, settings_options
from bridge.contract import Headers, RawEvent
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import configure_logging
from processors.catalogue import Catalogue
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome
from processors.replay.processed import processed_until
from processors.replay.reading import Span, missing_topics
from processors.replay.redelivery import Redelivery
from processors.replay.replay import Source
from processors.replay.report import Report
from processors.replay.run import Manner, run_replay
from processors.replay.settings import ReplaySettings
from processors.replay.stages import configured_stages
from processors.settings import PrivacySettings
from processors.topics.cluster import Cluster, ClusterError
from processors.topics.point_in_time import PointInTime
from processors.topics.topic_scan import position_of
from processors.worker.client_logs import quieten

_WHEN: Final[dict[str, Any]] = {"type": PointInTime(), "metavar": "TIME", "required": True}


@dataclass(frozen=True, slots=True)
class Rederivation:
    """Raw records to be converted again. `events`: only what becomes one of these; none named: all.

    `until`: partition -> the offset before which the workers have processed everything. What they have not
    is left to them, or it would be typed twice. None: they write to other topics.
    """

    pipeline: Pipeline
    events: tuple[str, ...] = ()
    until: Mapping[int, int] | None = None

    def redeliver(self, message: Message) -> Redelivery:
        """The delivery of a record of the raw topic."""
        position = position_of(message)
        raw = RawEvent(
            value=message.value() or b"",
            key=message.key(),
            headers=cast("Headers", tuple(message.headers() or ())),
            received_at=message.timestamp()[1],
            position=position,
        )
        if self.until is not None and position.offset >= self.until.get(position.partition, 0):
            return Redelivery(position, raw, (), pending=True)
        outcomes = [outcome for outcome in self.pipeline.run(raw) if self._is_meant(outcome)]
        return Redelivery(position, raw, outcomes)

    def _is_meant(self, outcome: Outcome) -> bool:
        name = outcome.event.record["event_name"] if outcome.event else None
        return not self.events or (name or (outcome.failure and outcome.failure.event_name)) in self.events


@click.group("raw", short_help="The deliveries as Canvas sent them: convert a span again.")
def command() -> None:
    """The deliveries as Canvas sent them."""


@command.command("replay")
@click.option("--from", "since", help="The first time of receipt: ISO 8601 with a zone, or 12h, 7d.", **_WHEN)
@click.option("--to", "until", help="The time of receipt before which it ends.", **_WHEN)
@click.option("--event", "events", metavar="NAME", multiple=True, help="Only what becomes this event.")
@click.option("--prefix", metavar="PREFIX", help="Write into topics with this prefix, dead letters too.")
@click.option("--dry-run", is_flag=True, help="Write nothing; count what would come out.")
@click.option("--unmasked", is_flag=True, help="With --json: show values as they are, personal data too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
@settings_options(ReplaySettings, KafkaSettings, SchemaRegistrySettings, PrivacySettings, LogSettings)
def replay(*, prefix: str | None, dry_run: bool, unmasked: bool, as_json: bool, **options: Any) -> None:
    """Converts a span of the raw topic again, after a fix, and writes what comes out.

    Into the same topics: what is there already, by event_id, is skipped; an event that cannot be converted
    is only counted, for it is a dead letter already; and what the workers have not processed yet is left to
    them. With --prefix: into other topics, which must exist, with their schemas registered.

    Repeats within the span are dropped. It can be run again, also after it was killed. Of two replays of a
    group at the same time the first is shut out.

    \b
    Exit status: 0 everything is there, 1 some is not, or Kafka is away, 2 misuse.

    \b
    Example:
      canvas-processors raw replay --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z --dry-run
      canvas-processors raw replay --from 7d --to 0m --prefix canvas.v2.
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    quieten()
    span = Span(options.pop("since"), options.pop("until"))
    if (span.since or 0) >= (span.until or 0):
        raise click.UsageError("--from must be before --to")
    kafka = read_settings(KafkaSettings, options)
    if prefix == kafka.topic_prefix:
        raise click.UsageError(f"--prefix: {prefix} is that of the topics read from. Leave it out, or choose")
    stages = configured_stages(options, prefix)
    if prefix is not None:
        _check_topics(kafka, stages.names, stages.catalogue)
    settings, topic = read_settings(ReplaySettings, options), TopicNames(kafka.topic_prefix).raw
    until = processed_until(kafka, settings.group_id, topic) if prefix is None else None
    source = Source(
        topic,
        span,
        Rederivation(stages.pipeline, options.pop("events"), until).redeliver,
        keeps_failures=prefix is not None,
        look_back=settings.duplicate_window_seconds * 1000,
    )
    report = Report(stages.catalogue, dry_run=dry_run, unmasked=unmasked)
    sys.exit(run_replay(source, report, Manner("", dry_run, tells=False, as_json=as_json), options))


def _check_topics(kafka: KafkaSettings, names: TopicNames, catalogue: Catalogue) -> None:
    wanted = [*(names.typed(event) for event in catalogue.events), names.unknown, names.dead_letter]
    try:
        found = Cluster(kafka).found(wanted)
    except ClusterError as error:
        raise click.ClickException(str(error)) from None
    missing = [topic for topic in wanted if topic not in found]
    if missing:
        raise click.ClickException(missing_topics(missing, names.prefix))
