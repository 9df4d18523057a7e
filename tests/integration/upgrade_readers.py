"""Consumers that go on while the product is upgraded, and what they have read."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.integration.door_process import PATIENCE


@dataclass
class Reader:
    """Confluent's own consumer of one topic, with the schema it was built with, on a thread of its own.

    `bodies`: event_id -> body; `times`: how often each came; `schema_ids`: of what was read.
    """

    config: dict[str, Any]
    topic: str
    registry_url: str
    schema: str
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    schema_ids: set[int] = field(default_factory=set)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.topic, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(PATIENCE)

    def has(self, ids: set[str]) -> bool:
        """Whether it has read all of these. Raises what ended it."""
        if self.failure is not None:
            raise self.failure
        return ids <= self.bodies.keys()

    def _run(self) -> None:
        try:
            with SchemaRegistryClient({"url": self.registry_url, "timeout": 30}) as registry:
                self._read(AvroDeserializer(registry, self.schema))
        except BaseException as failure:
            self.failure = failure

    def _read(self, value_of: AvroDeserializer) -> None:
        own = {"auto.offset.reset": "earliest", "isolation.level": "read_committed"}
        with Consumer({**self.config, **own}) as consumer:
            consumer.subscribe([self.topic])
            while not self._ending.is_set():
                message = consumer.poll(0.2)
                if message is None or message.error():
                    continue
                value = message.value() or b""
                context = SerializationContext(self.topic, MessageField.VALUE)
                record: Any = value_of(value, context)
                self.schema_ids.add(int.from_bytes(value[1:5]))
                identity = str(record["event_id"])  # a UUID
                self.times[identity] += 1
                self.bodies[identity] = record["body"]
