"""How long a door takes to be well again: until a fresh event is on the raw topic, and the spool is empty."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.contract import CE_ID
from bridge.identity import event_id
from bridge.redact import redact
from bridge.sandbox.delivery import Delivery
from bridge.sandbox.feed import Feed, FeedPlan
from tests.faults.load import Load
from tests.faults.oracle import headers_of

PAUSE: Final = 0.05
LONGEST: Final = 300.0  # seconds
MOST: Final = 100_000


class Probe:
    """Sends fresh events, one at a time, and looks whether one of those accepted has come.

    `event`: what they are, where the topic takes only one kind.
    """

    def __init__(self, load: Load, servers: str, topic: str, seed: int, event: str | None = None) -> None:
        self._load = load
        self._servers = servers
        self._topic = topic
        self._deliveries: Iterator[Delivery] = iter(
            Feed(FeedPlan(count=MOST, seed=seed, events=frozenset({event} if event else ())))
        )
        self._accepted: set[str] = set()

    def wait(self) -> None:
        """Returns once one of them has come."""
        end = time.monotonic() + LONGEST
        with self._tail(end) as consumer:
            while not self._has_come(consumer):
                assert time.monotonic() < end, f"no fresh event on {self._topic} within {LONGEST} s"
                answer = self._load.try_once(next(self._deliveries))
                if answer.accepted:
                    self._accepted.add(event_id(redact(answer.payload)))

    def _has_come(self, consumer: Consumer) -> bool:
        """Reads some of what there is, with a short wait."""
        messages = consumer.consume(1000, PAUSE)
        return any(
            headers_of(message).get(CE_ID) in self._accepted for message in messages if not message.error()
        )

    @contextmanager
    def _tail(self, end: float) -> Iterator[Consumer]:
        """A consumer of what comes from now on."""
        config = {
            "bootstrap.servers": self._servers,
            "group.id": "probe",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,
        }
        with Consumer(config) as consumer:
            while True:
                try:
                    consumer.assign(self._places(consumer))
                    break
                except (KafkaException, KeyError):
                    assert time.monotonic() < end, f"no {self._topic} within {LONGEST} s"
                    time.sleep(PAUSE)
            yield consumer

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """The ends of the partitions."""
        topic = consumer.list_topics(self._topic, timeout=2).topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        places = [TopicPartition(self._topic, number) for number in topic.partitions]
        return [
            TopicPartition(self._topic, place.partition, consumer.get_watermark_offsets(place, timeout=2)[1])
            for place in places
        ]
