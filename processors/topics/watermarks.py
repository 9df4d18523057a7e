"""Where a partition begins and ends."""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

TIMEOUT_SECONDS: Final = 30.0
_ASK_AGAIN_SECONDS: Final = 0.2
# A broker that has restarted, or a partition just made or moved: librdkafka asks the old leader and gives up.
_LED_ANEW: Final = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.FENCED_LEADER_EPOCH}
)


def watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """The first offset that is kept, and the one behind the last record that `consumer` may see.

    Waits for a leader that is being elected. Raises KafkaException, after 30 s at the latest.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(place, timeout=TIMEOUT_SECONDS)
        except KafkaException as exception:
            if exception.args[0].code() not in _LED_ANEW or time.monotonic() > deadline:
                raise
            time.sleep(_ASK_AGAIN_SECONDS)
            consumer.list_topics(place.topic, timeout=TIMEOUT_SECONDS)
        else:
            return low, high
