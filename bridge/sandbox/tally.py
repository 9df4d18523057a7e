"""What came out: counts per topic, read committed, and the conservation of events."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from prometheus_client.parser import text_string_to_metric_families

REASON = "canvas.errors.reason"
SAMPLE_TOPIC = "submission_created"


@dataclass
class Tally:
    """Counts of what lies on the topics, and a few decoded values worth showing."""

    typed: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    sample: dict[str, Any] | None = None
    rollup: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Events that came out, one way or the other; duplicates are dropped and so not among them."""
        return self.typed.total() + self.dead_letters.total() + self.unknown


class TopicReader:
    """Reads every topic of the prefix but the raw one from its beginning and counts what is there."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._prefix = environment.get("KAFKA_TOPIC_PREFIX", "canvas.")
        registry = SchemaRegistryClient({"url": environment["SCHEMA_REGISTRY_URL"]})
        self._deserializer = AvroDeserializer(registry)
        self._consumer = Consumer(
            {
                "bootstrap.servers": environment["KAFKA_BOOTSTRAP_SERVERS"],
                "group.id": "canvas-bridge-demo",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.assign(self._partitions())
        self.tally = Tally()

    def read(self, seconds: float) -> Tally:
        """Reads for at most so long and returns the counts so far."""
        for message in self._consumer.consume(5000, seconds):
            if message.error() is None:
                self._count(message)
        return self.tally

    def close(self) -> None:
        """Leaves Kafka."""
        self._consumer.close()

    def _partitions(self) -> list[TopicPartition]:
        topics = self._consumer.list_topics(timeout=30).topics
        return [
            TopicPartition(name, partition, 0)
            for name, topic in topics.items()
            if name.startswith(self._prefix) and name != f"{self._prefix}raw"
            for partition in topic.partitions
        ]

    def _count(self, message: Message) -> None:
        tally, topic = self.tally, str(message.topic()).removeprefix(self._prefix)
        if topic == "dead_letter":
            reason = dict(message.headers() or [])[REASON] or b"?"
            tally.dead_letters[reason if isinstance(reason, str) else reason.decode()] += 1
        elif topic == "unknown":
            tally.unknown += 1
        elif topic.startswith("rollup."):
            tally.rollup[(message.key() or b"").decode()] = self._decode(message)
        else:
            tally.typed[topic] += 1
            if topic == SAMPLE_TOPIC and tally.sample is None:
                tally.sample = self._decode(message)

    def _decode(self, message: Message) -> dict[str, Any]:
        context = SerializationContext(str(message.topic()), MessageField.VALUE)
        value: dict[str, Any] = self._deserializer(message.value(), context)
        return value


def read_metrics(port: int) -> Mapping[str, float]:
    """The counters a process of ours serves on its admin port, summed over their labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    sums: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return sums
