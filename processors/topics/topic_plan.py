"""Which topics there are, how each is made, and how an existing one differs from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from processors.catalogue import Catalogue
from processors.names import TopicNames
from processors.settings import TopicSettings

MAX_MESSAGE_BYTES: Final = 2 * 1_048_576 + 65_536  # a batch of one record of 2 MiB, and its framing
_HOUR_MS: Final = 3_600_000
_VARIABLE: Final = "PROCESSORS_TOPICS__"


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """One topic as it is to be. `settings`: Kafka's topic settings, name -> value as Kafka writes it.

    `retention`: the variable that `retention.ms` comes from; None for a compacted topic.
    """

    name: str
    partitions: int
    replication_factor: int
    settings: Mapping[str, str]
    retention: str | None = None


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """One topic as the cluster has it. `settings` is None where the cluster does not show them."""

    partitions: int
    replication_factor: int
    settings: Mapping[str, str] | None


def plan_topics(
    catalogue: Catalogue, names: TopicNames, settings: TopicSettings, group_id: str
) -> list[PlannedTopic]:
    """Every topic of the product: raw, typed, unknown, dead letter, rollups and their tables' changelogs.

    `group_id`: the workers' consumer group; the Faust application, and so its changelogs, is named after it.
    """
    kept = {
        names.raw: "raw_retention_hours",
        **{names.typed(name): "typed_retention_hours" for name in catalogue.events},
        names.unknown: "typed_retention_hours",
        names.dead_letter: "dead_letter_retention_hours",
    }
    compacted = [names.rollup(name) for name in catalogue.rollups]
    compacted += [changelog(group_id, name) for name in catalogue.rollups]
    return [_kept(name, field, settings) for name, field in kept.items()] + [
        _planned(name, {"cleanup.policy": "compact"}, settings) for name in compacted
    ]


def changelog(group_id: str, table: str) -> str:
    """The topic that Faust recovers a table from; Faust's own rule, with our application id."""
    return f"{group_id}-rollups-{table}-changelog"


def differences(planned: PlannedTopic, found: FoundTopic) -> list[str]:
    """In what the cluster's topic is not as planned, each with the remedy; empty where it is."""
    told = []
    if found.partitions != planned.partitions:
        told.append(
            f"has {found.partitions} partitions, planned are {planned.partitions}: set {_VARIABLE}PARTITIONS "
            "to what all topics have, or stop the workers and use `kafka-topics --alter --partitions`, which "
            "moves keys to other partitions"
        )
    if found.replication_factor != planned.replication_factor:
        told.append(
            f"has {found.replication_factor} replicas, planned are {planned.replication_factor}: set "
            f"{_VARIABLE}REPLICATION_FACTOR, or use `kafka-reassign-partitions`"
        )
    for name, value in planned.settings.items():
        actual = value if found.settings is None else found.settings.get(name, "unset")
        if actual != value:
            told.append(f"has {name}={actual}, planned is {value}: {_remedy(planned.retention, name, value)}")
    return told


def _remedy(retention: str | None, setting: str, value: str) -> str:
    alter = f"use `kafka-configs --alter --topic NAME --add-config {setting}={value}`"
    if setting == "retention.ms" and retention:
        return f"set {_VARIABLE}{retention.upper()}, or {alter}"
    return alter


def _kept(name: str, field: str, settings: TopicSettings) -> PlannedTopic:
    hours: int = getattr(settings, field)
    retention = -1 if hours < 0 else hours * _HOUR_MS
    return _planned(name, {"cleanup.policy": "delete", "retention.ms": str(retention)}, settings, field)


def _planned(
    name: str, own: Mapping[str, str], settings: TopicSettings, retention: str | None = None
) -> PlannedTopic:
    shared = {
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "CreateTime",  # received_at is the record's timestamp
        # One broker may be down without a write being refused; two copies of every confirmed write.
        "min.insync.replicas": str(max(1, settings.replication_factor - 1)),
    }
    return PlannedTopic(name, settings.partitions, settings.replication_factor, {**own, **shared}, retention)
