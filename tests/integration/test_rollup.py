"""The rollup behind a worker: it reads committed, and its table outlives a kill -9."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Producer

from bridge.contract import RawEvent
from bridge.settings import SchemaRegistrySettings
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.registry import schema_ids
from tests.integration.door_process import records_of, wait_for
from tests.integration.engine_kafka import on_processes
from tests.integration.worker_process import Stream

CATALOGUE = load_catalogue()
TODAY = datetime.now(UTC)  # Kafka deletes by the record's time, which is that of receipt
DAY = f"{TODAY:%Y-%m-%d}"
RECEIVED_AT = int(TODAY.timestamp() * 1000)


class Progress:
    """Typed course_progress records for one stream, and the windows its rollup publishes."""

    def __init__(self, stream: Stream) -> None:
        self._stream, names = stream, TopicNames(stream.prefix)
        settings = SchemaRegistrySettings(url=stream.environment["SCHEMA_REGISTRY_URL"])
        self._pipeline = Pipeline(CATALOGUE, FanOut(CATALOGUE, names, schema_ids(CATALOGUE, names, settings)))
        self._topic = names.rollup("course_progress")

    def record(self, user: int, done: int, time: str) -> OutgoingRecord:
        payload = {
            "metadata": {
                "event_name": "course_progress",
                "event_time": f"{DAY}T{time}Z",
                "root_account_id": "100000000000001",
            },
            "body": {
                "course": {"id": "565"},
                "user": {"id": str(user)},
                "progress": {"requirement_count": 20, "requirement_completed_count": done},
            },
        }
        raw = RawEvent(json.dumps(payload).encode(), None, (), RECEIVED_AT)
        return self._pipeline.run(raw)[0].outgoing

    def windows(self) -> dict[bytes, list[dict[str, Any]]]:
        """All that was published, by key, in order."""
        schema = CATALOGUE.rollups["course_progress"].parsed
        found: dict[bytes, list[Any]] = defaultdict(list)
        for record in records_of(self._stream.servers, self._topic):
            found[record.key or b""].append(
                fastavro.schemaless_reader(io.BytesIO(record.value[5:]), schema, None)
            )
        return found


def key(user: int) -> bytes:
    return f"100000000000565/{100_000_000_000_000 + user}/{DAY}T00:00:00.000Z".encode()


@contextmanager
def transaction(producer: Producer, *, commit: bool) -> Iterator[Producer]:
    producer.begin_transaction()
    yield producer
    producer.flush()
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


@pytest.fixture
def stream(environment: dict[str, str], tmp_path: Path) -> Stream:
    return Stream(environment, tmp_path)


@on_processes
def test_a_rollup_reads_committed_and_its_windows_outlive_a_crash(stream: Stream) -> None:
    progress = Progress(stream)

    def put(producer: Producer, user: int, done: int, time: str) -> None:
        record = progress.record(user, done, time)
        producer.produce(record.topic, record.value, record.key, timestamp=record.timestamp)

    config = {"bootstrap.servers": stream.servers, "transactional.id": stream.group + "-test"}
    with Producer(config) as producer, stream.worker() as worker:
        producer.init_transactions()
        worker.wait_until_ready()
        with transaction(producer, commit=True):
            put(producer, 57, 5, "10:00:00")
        with transaction(producer, commit=False):
            for _ in range(300):
                put(producer, 57, 19, "11:00:00")
        with transaction(producer, commit=True):
            put(producer, 58, 1, "10:00:00")
        wait_for(lambda: key(58) in progress.windows(), "the windows of both students")
        worker.kill()
        worker.start()
        with transaction(producer, commit=True):
            put(producer, 57, 3, "09:00:00")  # older than what the table knew
            put(producer, 59, 1, "10:00:00")
        wait_for(lambda: key(59) in progress.windows(), "the third student's window")
        assert worker.stop() == 0, worker.log()
    counts = [window["requirement_completed_count"] for window in progress.windows()[key(57)]]
    assert counts[0] == counts[-1] == 5
    assert set(counts) == {5}
    assert len(counts) >= 2
