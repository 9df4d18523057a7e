"""Waits until all that was written to some topics is decided: committed or aborted.

Who reads committed sees a partition up to the first record of the oldest open transaction. What an earlier
replay has committed may lie behind that, so looking for it any sooner could miss it, and write it twice.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import click
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.topics.watermarks import watermarks

_TIMEOUT_SECONDS: Final = 30.0
_LONGEST_SECONDS: Final = 900.0  # what brokers allow a transaction at the most (transaction.max.timeout.ms)
_LOOK_AGAIN_SECONDS: Final = 0.2


def wait_until_decided(kafka: KafkaSettings, topics: Sequence[str]) -> None:
    """Returns once every record that is in the topics now is decided. Raises click.ClickException."""
    with ExitStack() as clients:
        everything, decided = (
            clients.enter_context(_consumer(kafka, level)) for level in ("read_uncommitted", "read_committed")
        )
        try:
            open_places = {place: watermarks(everything, place)[1] for place in _places(everything, topics)}
            _wait(decided, open_places)
        except KafkaException as error:
            raise click.ClickException(
                f"Kafka at {kafka.bootstrap_servers} does not say where topics end: {error.args[0].str()}. "
                "Check KAFKA_* and whether the brokers are well."
            ) from None


def _wait(decided: Consumer, ends: dict[TopicPartition, int]) -> None:
    deadline, said = time.monotonic() + _LONGEST_SECONDS, False
    while True:
        ends = {place: end for place, end in ends.items() if watermarks(decided, place)[1] < end}
        if not ends:
            return
        place = next(iter(ends))
        if not said:
            said = True
            where = f"{place.topic}/{place.partition}"
            click.echo(f"waiting for the end of a transaction that is open in {where}", err=True)
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"a transaction has been open in {place.topic}/{place.partition} for "
                f"{_LONGEST_SECONDS / 60:.0f} minutes: find it with `kafka-transactions find-hanging` and "
                "abort it"
            )
        time.sleep(_LOOK_AGAIN_SECONDS)


def _consumer(kafka: KafkaSettings, level: str) -> Consumer:
    own = {"group.id": "canvas-processors-scan", "isolation.level": level, "log_level": 0}
    return Consumer({**client_config(kafka), **own})


def _places(consumer: Consumer, topics: Sequence[str]) -> list[TopicPartition]:
    metadata = consumer.list_topics(timeout=_TIMEOUT_SECONDS)
    found = [metadata.topics[name] for name in topics if name in metadata.topics]
    return [TopicPartition(str(topic.topic), number) for topic in found for number in topic.partitions]
