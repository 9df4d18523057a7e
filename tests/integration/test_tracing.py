"""Traces of processes: one from Canvas to the typed topic, and a collector in trouble troubles nobody."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.contract import RawEvent
from bridge.sandbox.engines.base import Engine
from tests.integration.canvas_side import CanvasQueue, event
from tests.integration.collector import Collector, Kept, collecting
from tests.integration.conftest import Stored
from tests.integration.door_process import PATIENCE, DoorProcess, free_port, records_of, wait_for
from tests.integration.engine_kafka import on_embedded, without_containers
from tests.integration.worker_process import Stream
from tests.unit.doors import EVENT

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TYPED = json.dumps(EVENT).encode()
UNKNOWN = TYPED.replace(b"course_created", b"never_heard_of")
BROKEN = b'{"metadata": 5}'
OUTCOMES = {"course_created": "typed", "unknown": "unknown", "dead_letter": "dead_letter"}
TROUBLE = "traces are in trouble, events are not: "


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def post(door: DoorProcess, body: bytes, traceparent: str = "") -> int:
    headers = {"traceparent": traceparent} if traceparent else {}
    request = urllib.request.Request(door.url, body, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        status: int = answer.status
        return status


def through_both_doors(environment: dict[str, str], folder: Path, queue: CanvasQueue) -> None:
    """Two events by the webhook, one of them continuing a trace, and one by SQS."""
    with DoorProcess("webhook", environment, folder / "webhook") as door:
        assert post(door, TYPED, f"00-{TRACE}-{CALLER}-01") == 202
        assert post(door, BROKEN, "00-nonsense") == 202
        assert door.stop() == 0, door.log()
    queue.client.send_message(QueueUrl=queue.url, MessageBody=UNKNOWN.decode())
    with DoorProcess("sqs", environment, folder / "sqs") as door:
        wait_for(lambda: queue.left() == 0, "the queue to be empty")
        assert door.stop() == 0, door.log()


def process(stream: Stream) -> dict[str, RawEvent]:
    """The one record of each topic that the events end in, by its name."""
    with stream.worker(ROLLUPS="false") as worker:
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    found = {name: records_of(stream.servers, stream.prefix + name) for name in OUTCOMES}
    assert {name: len(records) for name, records in found.items()} == dict.fromkeys(OUTCOMES, 1)
    return {name: records[0] for name, records in found.items()}


def way_of(record: RawEvent, spans: list[Kept]) -> list[Kept]:
    """The spans that a record comes from, the first of them first."""
    trace, last = (record.header("traceparent") or "").split("-")[1:3]
    own = {span.own: span for span in spans if span.trace == trace}
    way = []
    while last in own:
        way.append(own[last])
        last = own[last].parent
    return way[::-1]


@without_containers
def test_from_both_doors_to_every_topic_an_event_is_one_trace(
    engine: Engine, environment: dict[str, str], queue_url: str, collector: Collector, tmp_path: Path
) -> None:
    traced = environment | collector.environment
    stream, queue = Stream(traced, tmp_path), CanvasQueue(engine, queue_url)
    with closing(queue.client):
        through_both_doors(traced, tmp_path, queue)
    records, spans = process(stream), collector.spans()
    ways = {name: way_of(record, spans) for name, record in records.items()}
    raw, queue_name = f"{stream.prefix}raw", queue_url.rpartition("/")[2]
    webhook = [("canvas-bridge-webhook", "SERVER", "webhook delivery")]
    sqs = [("canvas-bridge-sqs", "CONSUMER", f"process {queue_name}")]
    for name, way in ways.items():
        first = sqs if name == "unknown" else webhook
        assert [(span.service, span.kind, span.name) for span in way] == [
            *first,
            (first[0][0], "PRODUCER", f"send {raw}"),
            ("canvas-processors-worker", "CONSUMER", f"process {raw}"),
        ]
        assert way[-1].told["canvas.outcome"] == OUTCOMES[name]
        identity = way[-1].told["cloudevents.event_id"]
        assert identity == way[1].told["cloudevents.event_id"]
        lineage = "/".join(
            way[-1].told[f"messaging.{of}"]
            for of in ("destination.name", "destination.partition.id", "kafka.offset")
        )
        assert records[name].header("canvas.raw") in (lineage, None)
    assert (ways["course_created"][0].trace, ways["course_created"][0].parent) == (TRACE, CALLER)
    assert ways["dead_letter"][0].parent == ways["unknown"][0].parent == ""
    assert ways["dead_letter"][-1].told["canvas.reason"] == "invalid_metadata"
    assert len(spans) == 9


@on_embedded
def test_off_no_record_has_a_traceparent(
    engine: Engine, environment: dict[str, str], queue_url: str, tmp_path: Path
) -> None:
    stream, queue = Stream(environment, tmp_path), CanvasQueue(engine, queue_url)
    with closing(queue.client):
        through_both_doors(environment, tmp_path, queue)
    records = [*process(stream).values(), *records_of(stream.servers, f"{stream.prefix}raw")]
    assert len(records) == 6
    assert [record.header("traceparent") for record in records] == [None] * 6


@without_containers
def test_what_was_spooled_goes_on_in_its_trace_in_a_later_process(
    environment: dict[str, str], stored: Stored, collector: Collector, tmp_path: Path
) -> None:
    traced = environment | collector.environment | {"BRIDGE_SPOOL__DIRECTORY": str(tmp_path / "spool")}
    away = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "KAFKA_DELIVERY_TIMEOUT_SECONDS": "1",
        "BRIDGE_SPOOL__KAFKA_SECONDS": "0.1",
        "BRIDGE_SPOOL__DRAIN_SECONDS": "0",
    }
    with DoorProcess("webhook", traced | away, tmp_path / "first") as door:
        assert post(door, TYPED, f"00-{TRACE}-{CALLER}-01") == 202
        assert door.stop() == 0, door.log()
    assert stored() == []
    with DoorProcess("webhook", traced, tmp_path / "second") as door:
        wait_for(stored, "the record to be drained")
        assert door.stop() == 0, door.log()
    (record,) = stored()
    assert [span.name for span in way_of(record, collector.spans())] == [
        "webhook delivery",
        f"send {environment['KAFKA_TOPIC_PREFIX']}raw",
    ]


@without_containers
def test_without_a_collector_events_are_taken_and_it_is_said_once(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    nobody = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "10",
    }
    with DoorProcess("webhook", environment | nobody, tmp_path / "log") as door:
        bodies = {event(number) for number in range(200)}
        assert {post(door, body) for body in bodies} == {202}
        wait_for(lambda: TROUBLE in door.log(), "word of the trouble")
        assert {post(door, body) for body in bodies} == {202}
        assert door.stop() == 0, door.log()
    assert {record.value for record in stored()} == bodies
    lines = [line for line in door.log().splitlines() if "WARNING" in line and "trac" in line]
    # One in 30 s, and one at the end where the last spans are given up.
    assert 1 <= len(lines) < 10
    assert "Traceback" not in door.log()


@on_embedded
def test_a_collector_that_never_answers_holds_up_neither_door_nor_worker(
    environment: dict[str, str], collector: Collector, tmp_path: Path
) -> None:
    collector.answers.clear()
    patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "3600", "OTEL_BSP_MAX_QUEUE_SIZE": "16"}
    traced = environment | collector.environment | {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8"} | patient
    stream = Stream(traced, tmp_path)
    with DoorProcess("webhook", traced, tmp_path / "log") as door:
        assert {post(door, event(number)) for number in range(100)} == {202}
        assert collector.asked.wait(PATIENCE)
        assert door.stop() == 0, door.log()
    assert "the last spans were not exported within 5 s: they are lost" in door.log()
    with stream.worker(ROLLUPS="false") as worker:
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    assert "the last spans were not exported within 5 s: they are lost" in worker.log()
    assert stream.written("logged_in") >= 100
