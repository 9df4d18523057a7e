"""Since when topics keep their records: what is older would be deleted as soon as it is written."""

import time
from collections.abc import Iterable, Iterator

import click

from bridge.settings import KafkaSettings
from processors.topics.cluster import Cluster, ClusterError


def kept_since(kafka: KafkaSettings, topics: Iterable[str]) -> dict[str, int]:
    """Topic -> milliseconds since the epoch; topics that keep everything, or do not tell, are left out.

    Raises click.ClickException where Kafka is away.
    """
    now = int(time.time() * 1000)
    return {topic: now - kept for topic, kept in _retentions(kafka, topics)}


def _retentions(kafka: KafkaSettings, topics: Iterable[str]) -> Iterator[tuple[str, int]]:
    try:
        found = Cluster(kafka).found(topics)
    except ClusterError as error:
        raise click.ClickException(str(error)) from None
    for name, topic in found.items():
        kept = int((topic.settings or {}).get("retention.ms", -1))
        if kept >= 0 and "delete" in (topic.settings or {}).get("cleanup.policy", "delete"):
            yield name, kept
