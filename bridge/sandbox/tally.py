"""What came out: counts per topic, read committed, and the conservation of events."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from httpx2 import TransportError
from prometheus_client.parser import text_string_to_metric_families

from bridge.kafka import client_config
from bridge.settings import KafkaSettings

CE_ID = "ce_id"
TRIES = 5
REASON = "canvas.errors.reason"
SAMPLE_TOPIC = "submission_created"


@dataclass
class Tally:
    """Counts of what lies on the topics, and a few decoded values worth showing.

    `raw` is what the bridge has accepted, `event_ids` what came out of it.
    """

    typed: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    raw: int = 0
    event_ids: set[str] = field(default_factory=set)
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
        self._open = ExitStack()
        registry = self._open.enter_context(
            SchemaRegistryClient({"url": environment["SCHEMA_REGISTRY_URL"], "timeout": 10})
        )
        self._deserializer = AvroDeserializer(registry)
        self._consumer = self._open.enter_context(
            Consumer(
                {
                    **client_config(_kafka_in(environment)),
                    "group.id": "canvas-bridge-demo",
                    "isolation.level": "read_committed",
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                }
            )
        )
        self._raw = self._partitions(lambda name: name == f"{self._prefix}raw")
        self._consumer.assign(
            self._partitions(lambda name: name.startswith(self._prefix) and name != f"{self._prefix}raw")
        )
        self.tally = Tally()

    def read(self, seconds: float) -> Tally:
        """Reads for at most so long and returns the counts so far."""
        self.tally.raw = sum(self._end(partition) for partition in self._raw)
        for message in self._consumer.consume(5000, seconds):
            if message.error() is None:
                self._count(message)
        return self.tally

    def close(self) -> None:
        """Leaves Kafka and the registry."""
        self._open.close()

    def _end(self, partition: TopicPartition) -> int:
        # No transaction writes to the raw topic, so its offsets have no gaps.
        _, high = self._consumer.get_watermark_offsets(partition, timeout=30)
        return int(high)

    def _partitions(self, wanted: Callable[[str], bool]) -> list[TopicPartition]:
        topics = self._consumer.list_topics(timeout=30).topics
        return [
            TopicPartition(name, partition, 0)
            for name, topic in topics.items()
            if wanted(name)
            for partition in topic.partitions
        ]

    def _count(self, message: Message) -> None:
        tally, topic = self.tally, str(message.topic()).removeprefix(self._prefix)
        headers = {name: _text(value) for name, value in dict(message.headers() or ()).items()}
        key = _text(message.key())
        if topic.startswith("rollup."):
            tally.rollup[key] = self._decode(message)
            return
        tally.event_ids.add(headers.get(CE_ID, key) if topic != "dead_letter" else key)
        if topic == "dead_letter":
            tally.dead_letters[headers[REASON]] += 1
        elif topic == "unknown":
            tally.unknown += 1
        else:
            tally.typed[topic] += 1
            if topic == SAMPLE_TOPIC and tally.sample is None:
                tally.sample = self._decode(message)

    def _decode(self, message: Message) -> dict[str, Any]:
        context = SerializationContext(str(message.topic()), MessageField.VALUE)
        tries = 0
        while True:
            try:
                value: dict[str, Any] = self._deserializer(message.value(), context)
                return value
            except TransportError:  # a registry may leave a request on a kept-alive connection unanswered
                tries += 1
                if tries == TRIES:
                    raise


def _kafka_in(environment: Mapping[str, str]) -> KafkaSettings:
    named = {name: environment.get(f"KAFKA_{name.upper()}") for name in KafkaSettings.model_fields}
    return KafkaSettings(**{name: value for name, value in named.items() if value is not None})  # type: ignore[arg-type]


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


def read_metrics(port: int) -> Mapping[str, float]:
    """The counters a process of ours serves on its admin port, summed over their labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    sums: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return sums
