"""How far the workers are: a raw record that they have not processed yet is theirs to type."""

import click
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.kafka import client_config
from bridge.settings import KafkaSettings

_TIMEOUT_SECONDS = 30.0


def processed_until(kafka: KafkaSettings, group_id: str, topic: str) -> dict[int, int]:
    """Partition -> the offset before which the group has processed everything. Joins no group.

    Raises click.ClickException where Kafka does not tell.
    """
    # Uncommitted: the offsets of a transaction that is open do not count, and are not waited for.
    own = {"group.id": group_id, "isolation.level": "read_uncommitted", "log_level": 0}
    with Consumer({**client_config(kafka), **own}) as consumer:
        try:
            found = consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic]
            places = [TopicPartition(topic, number) for number in found.partitions]
            committed = consumer.committed(places, timeout=_TIMEOUT_SECONDS) if places else []
        except KafkaException as error:
            raise click.ClickException(_untold(group_id, error.args[0].str())) from None
    for place in committed:
        if place.error is not None:
            raise click.ClickException(_untold(group_id, place.error.str()))
    return {place.partition: max(0, place.offset) for place in committed}


def _untold(group_id: str, cause: str) -> str:
    return (
        f"Kafka does not tell how far the group {group_id} is: {cause}. Check KAFKA_* and "
        "PROCESSORS_GROUP_ID, and whether the user may describe the group"
    )
