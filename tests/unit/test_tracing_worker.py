"""A raw record's trace goes on into whatever is made of it, and its span lasts until Kafka has that."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import orjson
import pytest
from opentelemetry.trace import SpanKind

from bridge.contract import TRACEPARENT, Position, RawEvent
from bridge.identity import event_id
from bridge.ingress.base import Delivery
from bridge.ingress.traced import traced_publishing
from bridge.relay import Relay
from bridge.tracing import TRACING
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.worker.batches import Batch
from processors.worker.delivery.base import NotDelivered
from processors.worker.tracing import traced_delivery, traced_pipeline, traced_run
from tests.unit.doors import EVENT, MemoryKafka
from tests.unit.trace_site import (
    CALLER,
    INVALID,
    SAMPLED,
    TRACE,
    UNSAMPLED,
    Traces,
    place,
    traceparents,
    tracing_in_memory,
)
from tests.unit.webhook_site import run

CATALOGUE = load_catalogue()
IDS = dict.fromkeys(
    [
        *(TopicNames().typed(name) for name in CATALOGUE.events),
        TopicNames().unknown,
        TopicNames().dead_letter,
    ],
    7,
)
TYPED = orjson.dumps(EVENT)
UNKNOWN = orjson.dumps({**EVENT, "metadata": {**EVENT["metadata"], "event_name": "never_heard_of"}})
BROKEN = b'{"metadata": 5}'


@pytest.fixture
def traces() -> Iterator[Traces]:
    with tracing_in_memory() as traces:
        yield traces


def pipeline() -> Pipeline:
    return traced_pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), IDS), None)


def raw(value: bytes = TYPED, traceparent: str | None = SAMPLED, offset: int = 77) -> RawEvent:
    headers = ((TRACEPARENT, traceparent.encode()),) if traceparent is not None else ()
    return RawEvent(value, event_id(value).encode(), headers, 1234, Position("canvas.raw", 3, offset))


class Kafka:
    """A delivery that takes everything, or fails after it has taken it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.taken: list[OutgoingRecord] = []
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def deliver(self, records: Iterable[OutgoingRecord], _: Batch) -> None:
        self.taken += records
        if self.failure:
            raise self.failure

    def close(self) -> None:
        self.calls.append("close")


def batch(*live: RawEvent) -> Batch:
    return Batch("canvas.raw", 0, 0, (), live, {3: 78}, {3: 78}, None)


def through(*live: RawEvent, failure: Exception | None = None) -> list[OutgoingRecord]:
    """Everything that is written for a batch."""
    stages, delivery = pipeline(), Kafka(failure)
    records = (outcome.outgoing for event in live for outcome in stages.run(event))
    traced_delivery(delivery, stages).deliver(records, batch(*live))
    return delivery.taken


@pytest.mark.parametrize(
    ("value", "topic", "became"),
    [
        (
            TYPED,
            "canvas.course_created",
            {"canvas.outcome": "typed", "canvas.event_name": "course_created"},
        ),
        (UNKNOWN, "canvas.unknown", {"canvas.outcome": "unknown"}),
        (
            BROKEN,
            "canvas.dead_letter",
            {"canvas.outcome": "dead_letter", "canvas.reason": "invalid_metadata"},
        ),
    ],
)
def test_whatever_is_made_of_a_record_names_its_span(
    traces: Traces, value: bytes, topic: str, became: dict[str, str]
) -> None:
    (record,) = through(raw(value))
    (span,) = traces.spans
    assert record.topic == topic
    assert (span.name, span.kind, place(span)[::2]) == (
        "process canvas.raw",
        SpanKind.CONSUMER,
        (TRACE, CALLER),
    )
    assert traceparents(record.headers)[-1] == f"00-{TRACE}-{place(span)[1]}-01"
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.destination.name": "canvas.raw",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 77,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "cloudevents.event_id": event_id(value),
        **became,
    }
    assert span.status.is_ok


def test_a_dead_letter_keeps_the_headers_it_had_untouched(traces: Traces) -> None:
    event = raw(BROKEN)
    (record,) = through(event)
    assert record.headers[: len(event.headers)] == event.headers
    assert record.headers[-1][0] == TRACEPARENT


def test_what_is_not_sampled_is_carried_on_without_a_span(traces: Traces) -> None:
    records = through(raw(TYPED, UNSAMPLED), raw(UNKNOWN, UNSAMPLED))
    assert [traceparents(record.headers) for record in records] == [[UNSAMPLED], [UNSAMPLED]]
    assert traces.spans == []


@pytest.mark.parametrize("traceparent", [None, *INVALID])
def test_a_record_without_a_valid_traceparent_starts_no_trace(
    traces: Traces, traceparent: str | None
) -> None:
    (record,) = through(raw(TYPED, traceparent))
    assert traceparents(record.headers) == []
    assert traces.spans == []


def test_a_key_that_is_no_id_of_ours_is_not_told(traces: Traces) -> None:
    event = RawEvent(TYPED, b"s3cr3t", raw().headers, 1234)
    through(event)
    (told,) = traces.told()
    assert "cloudevents.event_id" not in told
    assert "s3cr3t" not in str(told)


def test_a_span_ends_when_kafka_has_its_record_and_not_before(traces: Traces) -> None:
    stages, seen = pipeline(), list[int]()

    class Looking(Kafka):
        def deliver(self, records: Iterable[OutgoingRecord], _: Batch) -> None:
            super().deliver(records, _)
            seen.append(len(traces.spans))

    events = [raw(offset=offset) for offset in range(3)]
    records = (outcome.outgoing for event in events for outcome in stages.run(event))
    traced_delivery(Looking(), stages).deliver(records, batch(*events))
    assert seen == [0]
    assert len(traces.spans) == 3


def test_a_batch_that_is_not_delivered_fails_its_spans_by_type(traces: Traces) -> None:
    with pytest.raises(NotDelivered):
        through(raw(), raw(BROKEN, UNSAMPLED), raw(UNKNOWN), failure=NotDelivered("s3cr3t"))
    assert [told["error.type"] for told in traces.told()] == ["NotDelivered"] * 2
    assert not any(span.status.is_ok for span in traces.spans)


def test_a_batch_that_is_given_up_before_its_delivery_leaves_no_span_behind(traces: Traces) -> None:
    stages = pipeline()

    class GivesUp:
        calls: ClassVar[list[str]] = []

        def open(self) -> None:
            self.calls.append("open")

        def process(self, batch: Batch) -> None:
            for event in batch.live:
                stages.run(event)

        def close(self) -> None:
            self.calls.append("close")

    work = traced_run(GivesUp(), stages)
    work.open()
    work.process(batch(raw()))
    work.close()
    assert GivesUp.calls == ["open", "close"]
    assert [told["error.type"] for told in traces.told()] == ["NotDelivered"]
    delivery = Kafka()
    around = traced_delivery(delivery, stages)
    around.open()
    around.deliver([], batch())
    around.close()
    assert delivery.calls == ["open", "close"]
    assert len(traces.spans) == 1


def test_off_nothing_is_written_though_the_raw_record_has_a_traceparent() -> None:
    assert TRACING.tracer is None
    (record,) = through(raw())
    assert traceparents(record.headers) == []


def test_from_the_request_to_the_typed_record_it_is_one_trace(traces: Traces) -> None:
    kafka = MemoryKafka()

    async def go() -> None:
        relay = Relay(traced_publishing(kafka), "canvas.raw", 1_000_000)
        assert TRACING.tracer is not None
        with TRACING.tracer.around("webhook delivery", "SERVER", SAMPLED, {}):
            await relay.take(Delivery("webhook", TYPED, 1234), _nothing)

    run(go())
    (stored,) = kafka.records
    (record,) = through(stored)
    sent, request, processed = traces.spans
    assert {place(span)[0] for span in traces.spans} == {TRACE}
    assert place(request)[2] == CALLER
    assert place(sent)[2] == place(request)[1]
    assert place(processed)[2] == place(sent)[1]
    assert traceparents(record.headers) == [f"00-{TRACE}-{place(processed)[1]}-01"]


def _nothing() -> Any:
    return None
