"""Dead letters on an engine, the commands over them, and what they have written."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import orjson
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from bridge.contract import Headers, Position, RawEvent
from bridge.identity import event_id
from bridge.kafka import producer_config
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.catalogue import Catalogue, load_catalogue
from processors.failures import Failure, Reason, Stage
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.registry import schema_ids
from tests.integration.commands import processors
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.worker_process import Stream, delivery
from tests.samples import CATALOGUE, EVENTS
from tests.schema_files import AVRO

REFUSED = Failure(Stage.VALIDATE, Reason.INVALID_EVENT_TIME, "a form that an earlier version did not know")


def renamed_time(number: int) -> dict[str, Any]:
    """A delivery whose time stands under another name."""
    found: dict[str, Any] = json.loads(json.dumps(delivery(number)))
    found["metadata"]["time"] = found["metadata"].pop("event_time")
    return found


def caliper(number: int, *times: str | None) -> dict[str, Any]:
    """A Caliper delivery with an event per time."""
    sample: dict[str, Any] = json.loads((EVENTS / "logged_out/caliper.typical.pass.json").read_text("utf-8"))
    entry = sample["data"][0]
    sample["data"] = [
        {**entry, "id": f"urn:uuid:00000000-0000-4000-8000-{number:08d}{index:04d}", "eventTime": time}
        for index, time in enumerate(times)
    ]
    return sample


class Site:
    """One test's topics and subjects. `now`: the time of receipt of what it writes, milliseconds."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.stream = Stream(environment, folder)
        self.environment = self.stream.environment
        self.folder = folder
        self.names = TopicNames(self.stream.prefix)
        self._written = 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return processors(self.environment, *arguments)

    def replay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("dead-letter", "replay", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process that goes on."""
        return subprocess.Popen(
            [sys.executable, "-m", "processors", *arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def raw(self, payload: Any, received_at: int) -> RawEvent:
        """The raw event of a payload, at an offset of its own."""
        value = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        self._written += 1
        position = Position(self.names.raw, 0, self._written)
        return RawEvent(value, event_id(value).encode(), (), received_at, position)

    def as_raw_records(self, raws: Iterable[RawEvent]) -> Iterable[OutgoingRecord]:
        """What a door would write."""
        for raw in raws:
            yield OutgoingRecord(self.names.raw, raw.key, raw.value, raw.headers, raw.received_at)

    def refuse(self, raws: Iterable[RawEvent]) -> None:
        """Writes dead letters as an earlier version would, that could not convert these."""
        fan_out = FanOut(CATALOGUE, self.names, {})
        self.produce(fan_out.dead_letter(raw, REFUSED) for raw in raws)

    def convert(self, raws: Iterable[RawEvent], catalogue: Catalogue) -> None:
        """Writes what a worker with this catalogue would."""
        settings = SchemaRegistrySettings(url=self.environment["SCHEMA_REGISTRY_URL"])
        ids = dict(schema_ids(CATALOGUE, self.names, settings))
        pipeline = Pipeline(catalogue, FanOut(catalogue, self.names, ids))
        self.produce(outcome.outgoing for raw in raws for outcome in pipeline.run(raw))

    def produce(self, records: Iterable[OutgoingRecord]) -> None:
        kafka = KafkaSettings(bootstrap_servers=self.stream.servers, delivery_timeout_seconds=PATIENCE)
        with Producer(producer_config(kafka, partitioner="murmur2_random")) as producer:
            for record in records:
                producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    headers=list(record.headers),
                    timestamp=record.timestamp,
                )
                producer.poll(0)
            assert producer.flush(PATIENCE) == 0

    def pass_over(self) -> None:
        """From now on the workers are a group that has made nothing of all that is in the raw topic."""
        topic, group = self.names.raw, f"{self.stream.group}-idle"
        with Consumer({"bootstrap.servers": self.stream.servers, "group.id": group}) as consumer:
            numbers = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
            places = [TopicPartition(topic, number) for number in numbers]
            for place in places:
                place.offset = consumer.get_watermark_offsets(place, timeout=PATIENCE)[1]
            consumer.commit(offsets=places, asynchronous=False)
        self.environment["PROCESSORS_GROUP_ID"] = group

    def records(self, name: str) -> list[Message]:
        """Everything in a topic, read committed."""
        topic = self.stream.prefix + name if not name.startswith("it") else name
        config = {
            "bootstrap.servers": self.stream.servers,
            "group.id": "reader",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
        found: list[Message] = []
        with Consumer(config) as consumer:
            waiting = set(consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions)
            consumer.assign([TopicPartition(topic, number, 0) for number in waiting])
            while waiting:
                for message in consumer.consume(1000, 1.0):
                    error = message.error()
                    if error is None:
                        found.append(message)
                    else:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                        waiting.discard(message.partition() or 0)
        return found

    def ids(self, name: str) -> list[str]:
        """The event_ids in a topic, sorted."""
        return sorted(headers(message)["ce_id"] for message in self.records(name))

    def until_written(self, name: str, count: int, process: subprocess.Popen[str]) -> None:
        """Until so many records are in a topic, committed or not, and the process still runs."""
        wait_for(
            lambda: process.poll() is not None or self.stream.written(name) >= count, f"{count} in {name}"
        )
        assert process.poll() is None, process.communicate()


def headers(message: Message) -> dict[str, str]:
    told = cast("Headers", tuple(message.headers() or ()))
    return {name: value.decode() for name, value in told}


def catalogue_with(folder: Path, change: Callable[[Path], None]) -> Catalogue:
    """Our catalogue after a change to a copy of its files."""
    copy = folder / "avro"
    shutil.copytree(AVRO, copy)
    change(copy)
    return load_catalogue(copy)


def pause(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGSTOP)


def resume(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGCONT)
