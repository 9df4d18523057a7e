"""`canvas-processors topics`: the Kafka topics of the product."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import click

from bridge.command_line import read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings
from bridge.telemetry import configure_logging
from processors.catalogue import load_catalogue
from processors.names import TopicNames
from processors.settings import GroupSettings, TopicSettings
from processors.table import print_table, progress
from processors.topics.cluster import Cluster, ClusterError
from processors.topics.topic_plan import FoundTopic, PlannedTopic, differences, plan_topics


class State(StrEnum):
    """What became, or with --dry-run would become, of a planned topic."""

    CREATED = "created"
    MISSING = "would be created"
    AS_PLANNED = "as planned"
    DIFFERS = "differs"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TopicResult:
    """One planned topic, and as the cluster now has it where it was there before or differs.

    `remarks`: in what it differs, or why it was refused, with the remedy.
    """

    topic: PlannedTopic
    state: State
    found: FoundTopic | None = None
    remarks: tuple[str, ...] = ()


@click.group("topics")
def command() -> None:
    """The Kafka topics."""


@command.command("create")
@click.option(
    "--dry-run", is_flag=True, help="Change nothing; let the cluster check and say what would happen."
)
@settings_options(TopicSettings, GroupSettings, KafkaSettings, LogSettings)
def create(*, dry_run: bool, **options: Any) -> None:
    """Creates the topics that are missing: raw, typed, unknown, dead letter, rollups and their changelogs.

    An existing topic is never changed: what differs is said, with the remedy. Run again, it changes nothing.

    \b
    Exit status: 0 every topic exists (--dry-run: can be created), 1 not every one, 2 misuse.

    \b
    Example:
      canvas-processors topics create --kafka-bootstrap-servers broker:9092 --dry-run
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    kafka, settings = read_settings(KafkaSettings, options), read_settings(TopicSettings, options)
    group_id = read_settings(GroupSettings, options).group_id
    plan = plan_topics(load_catalogue(), TopicNames(kafka.topic_prefix), settings, group_id)
    try:
        cluster = Cluster(kafka)
        results = create_all(cluster, plan, dry_run=dry_run)
    except ClusterError as error:
        raise click.ClickException(str(error)) from None
    _report(results, made_when_asked_for=cluster.makes_topics_when_asked_for, dry_run=dry_run)
    sys.exit(1 if any(result.state is State.REFUSED for result in results) else 0)


def create_all(cluster: Cluster, plan: Sequence[PlannedTopic], *, dry_run: bool = False) -> list[TopicResult]:
    """Creates what is missing and compares what is there; once done, does nothing more.

    Raises ClusterError, before anything is created, where a topic is to have more replicas than there are
    brokers.
    """
    found = cluster.found(topic.name for topic in plan)
    missing = [topic for topic in plan if topic.name not in found]
    if cluster.makes_topics_when_asked_for:
        causes = {topic.name: "" if dry_run else cluster.ask_for(topic.name) for topic in missing}
        found |= cluster.found(causes)
    else:
        _refuse_too_many_replicas(cluster, missing)
        steps = zip(progress(missing, "Creating"), cluster.create(missing, dry_run=dry_run), strict=True)
        answers = {topic.name: answer for topic, answer in steps}
        there = [name for name, answer in answers.items() if answer is None or not (answer or dry_run)]
        found |= cluster.wait_for(there)
        causes = {name: answer for name, answer in answers.items() if answer is not None}
    state = State.MISSING if dry_run else State.CREATED
    return [
        _created(topic, state, found.get(topic.name), causes[topic.name])
        if topic.name in causes
        else _compared(topic, found[topic.name])
        for topic in plan
    ]


def _created(topic: PlannedTopic, state: State, found: FoundTopic | None, cause: str) -> TopicResult:
    if cause:
        return TopicResult(topic, State.REFUSED, found, (cause,))
    return TopicResult(topic, state, found, tuple(differences(topic, found)) if found else ())


def _compared(topic: PlannedTopic, found: FoundTopic) -> TopicResult:
    remarks = tuple(differences(topic, found))
    return TopicResult(topic, State.DIFFERS if remarks else State.AS_PLANNED, found, remarks)


def _refuse_too_many_replicas(cluster: Cluster, missing: Sequence[PlannedTopic]) -> None:
    wanted = max((topic.replication_factor for topic in missing), default=0)
    if wanted > cluster.brokers:
        raise ClusterError(
            f"PROCESSORS_TOPICS__REPLICATION_FACTOR is {wanted}, but the cluster has {cluster.brokers} "
            f"broker(s). Nothing was created. Set it to {cluster.brokers}, or add brokers."
        )


def _report(results: list[TopicResult], *, made_when_asked_for: bool, dry_run: bool) -> None:
    print_table(("topic", "partitions", "replicas", "kept", "state"), [_row(result) for result in results])
    if made_when_asked_for:
        click.echo(
            "This cluster (librdkafka's mock) cannot create topics on request. A missing topic is made by "
            "asking for its metadata: partitions, replicas and settings are the cluster's own.",
            err=True,
        )
    for remark, names in _by_remark(results).items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        click.echo(f"{', '.join(names[:3])}{more}: {remark}", err=True)
    counts = Counter(result.state for result in results)
    parts = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    click.echo(f"{len(results)} topics: {parts}" + ("; dry run, nothing was created" if dry_run else ""))


def _row(result: TopicResult) -> tuple[object, ...]:
    shape = result.found or result.topic
    hours = int(result.topic.settings.get("retention.ms", 0)) // 3_600_000
    kept = f"{hours} h" if hours >= 0 else "for ever"
    kept = kept if result.topic.retention else "compacted"
    return result.topic.name, shape.partitions, shape.replication_factor, kept, result.state


def _by_remark(results: list[TopicResult]) -> dict[str, list[str]]:
    """The same is said once for all topics it is true of."""
    found: dict[str, list[str]] = {}
    for result in results:
        for remark in result.remarks:
            found.setdefault(remark, []).append(result.topic.name)
    return found
