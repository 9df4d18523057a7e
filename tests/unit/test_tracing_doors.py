"""A delivery's trace: from the request or the message, through the spool, into the raw record's headers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import orjson
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind

from bridge.contract import CE_ID, RawEvent
from bridge.door_settings import SqsSettings
from bridge.ingress.sqs import Sqs
from bridge.ingress.traced import traced_publishing
from bridge.ingress.webhook import Webhook
from bridge.relay import Publishing
from bridge.tracing import TRACING
from tests.unit.doors import EVENT, MemoryKafka, running, until, webhook_settings
from tests.unit.spool_site import spool_site
from tests.unit.sqs_site import memory_queue
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

BODY = orjson.dumps(EVENT)
SECRET = "swordfish-0123456789"


@pytest.fixture
def traces() -> Iterator[Traces]:
    with tracing_in_memory() as traces:
        yield traces


@dataclass
class Posting:
    """A webhook, and who posts to it."""

    door: Webhook
    client: aiohttp.ClientSession

    async def __call__(self, body: bytes = BODY, path: str = "/", **headers: str) -> int:
        url = f"http://127.0.0.1:{self.door.port}{path}"
        async with self.client.post(url, data=body, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def webhook(kafka: Publishing, **more: Any) -> AsyncIterator[Posting]:
    door = Webhook(webhook_settings(**more))
    async with aiohttp.ClientSession() as client, running(door, traced_publishing(kafka)):
        yield Posting(door, client)


def posted(*headers: dict[str, str]) -> list[RawEvent]:
    """The raw records of one request each."""
    kafka: list[MemoryKafka] = []

    async def go() -> None:
        kafka.append(MemoryKafka())
        async with webhook(kafka[0]) as post:
            for fields in headers:
                assert await post(BODY, "/", **fields) == 202

    run(go())
    return kafka[0].records


def test_a_request_and_its_record_are_two_spans_and_the_record_names_the_second(traces: Traces) -> None:
    (record,) = posted({})
    sent, request = traces.spans
    assert (request.name, request.kind) == ("webhook delivery", SpanKind.SERVER)
    assert (sent.name, sent.kind) == ("send canvas.raw", SpanKind.PRODUCER)
    assert place(request)[2] is None
    assert place(sent)[2] == place(request)[1]
    assert traceparents(record.headers) == [f"00-{place(sent)[0]}-{place(sent)[1]}-03"]
    assert traces.told() == [
        {
            "messaging.system": "kafka",
            "messaging.destination.name": "canvas.raw",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "cloudevents.event_id": record.header(CE_ID),
        },
        {"http.response.status_code": 202, "canvas.outcome": "stored"},
    ]


def test_the_trace_of_the_request_is_continued_with_its_decision(traces: Traces) -> None:
    sampled, unsampled = posted({"traceparent": SAMPLED}, {"traceparent": UNSAMPLED})
    sent, request = traces.spans
    assert place(request)[::2] == (TRACE, CALLER)
    assert traceparents(sampled.headers) == [f"00-{TRACE}-{place(sent)[1]}-01"]
    (traceparent,) = traceparents(unsampled.headers)
    assert traceparent.startswith(f"00-{TRACE}-")
    assert traceparent.endswith("-00")


def test_a_traceparent_that_is_none_is_ignored_and_never_copied(traces: Traces) -> None:
    records = posted(*({"traceparent": value} for value in INVALID))
    assert len(records) == len(INVALID)
    for span in traces.spans[1::2]:
        assert place(span)[2] is None
    own = {header.split("-")[1] for record in records for header in traceparents(record.headers)}
    assert len(own) == len(INVALID)
    assert not own & {TRACE, "0" * 32}


def test_two_requests_of_one_connection_are_two_traces(traces: Traces) -> None:
    first, second = posted({}, {})
    assert len({place(span)[0] for span in traces.spans}) == 2
    assert traceparents(first.headers) != traceparents(second.headers)


def test_what_is_not_sampled_makes_no_span_and_says_so_in_the_record() -> None:
    with tracing_in_memory(ParentBased(ALWAYS_OFF)) as traces:
        (record,) = posted({})
        assert traces.spans == []
        (traceparent,) = traceparents(record.headers)
        assert traceparent.endswith(("-00", "-02"))


def test_a_refusal_tells_its_reason_and_neither_path_nor_secret(traces: Traces) -> None:
    async def go() -> None:
        kafka = MemoryKafka()
        async with webhook(kafka, secret=SECRET, max_body_bytes=10_000) as post:
            assert await post(BODY, f"/{SECRET}?token={SECRET}") == 202
            assert await post(BODY, f"/{SECRET}x?token={SECRET}") == 404
            assert await post(b"." * 10_001, f"/{SECRET}", Authorization=SECRET) == 413
            kafka.fail()
            assert await post(BODY, f"/{SECRET}") == 503
            kafka.fail(ZeroDivisionError(SECRET))
            assert await post(BODY, f"/{SECRET}") == 503

    run(go())
    requests = [span for span in traces.spans if span.kind is SpanKind.SERVER]
    assert [dict(span.attributes or {}) for span in requests[1:]] == [
        {"http.response.status_code": 404, "canvas.outcome": "refused", "canvas.reason": "secret"},
        {"http.response.status_code": 413, "canvas.outcome": "refused", "canvas.reason": "too_large"},
        {
            "http.response.status_code": 503,
            "canvas.outcome": "refused",
            "canvas.reason": "not_stored",
            "error.type": "503",
        },
        {
            "http.response.status_code": 503,
            "canvas.outcome": "refused",
            "canvas.reason": "internal",
            "error.type": "503",
        },
    ]
    assert [span.status.is_ok for span in requests] == [True, True, True, False, False]
    sent = [span for span in traces.spans if span.kind is SpanKind.PRODUCER]
    errors = [(span.attributes or {}).get("error.type") for span in sent]
    assert errors == [None, "NotStored", "ZeroDivisionError"]
    assert SECRET not in "".join(span.to_json() for span in traces.spans)


def test_a_spooled_record_keeps_its_trace_until_it_is_drained(traces: Traces, tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_site(tmp_path) as at:
            at.kafka.fail()
            async with webhook(at.spooling) as post:
                assert await post(BODY, "/", traceparent=SAMPLED) == 202
                assert at.spool.records == 1
                at.kafka.failing = None
                await until(lambda: at.kafka.records)
            (record,) = at.kafka.records
            sent, _ = traces.spans
            assert traceparents(record.headers) == [f"00-{TRACE}-{place(sent)[1]}-01"]

    run(go())


@pytest.fixture
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with memory_queue(monkeypatch) as url:
        yield url


def from_sqs(url: str, kafka: MemoryKafka, records: int) -> None:
    async def go() -> None:
        door = Sqs(SqsSettings(queue_url=url, wait_seconds=0, receivers=1))
        async with running(door, traced_publishing(kafka)):
            await until(lambda: len(kafka.records) == records)

    asyncio.run(go())


def test_every_message_has_a_trace_of_its_own(traces: Traces, queue_url: str) -> None:
    client = boto3.client("sqs")
    for number in range(3):
        client.send_message(QueueUrl=queue_url, MessageBody=orjson.dumps({**EVENT, "n": number}).decode())
    kafka = MemoryKafka()
    from_sqs(queue_url, kafka, 3)
    sent = {place(span)[1]: span for span in traces.spans if span.kind is SpanKind.PRODUCER}
    taken = {place(span)[1]: span for span in traces.spans if span.kind is SpanKind.CONSUMER}
    assert (len(sent), len(taken), len({place(span)[0] for span in taken.values()})) == (3, 3, 3)
    for record in kafka.records:
        (traceparent,) = traceparents(record.headers)
        span = sent[traceparent.split("-")[2]]
        message = taken[place(span)[2] or ""]
        assert message.name == "process canvas-live-events"
        assert dict(message.attributes or {}) == {
            "messaging.system": "aws_sqs",
            "messaging.destination.name": "canvas-live-events",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "canvas.outcome": "stored",
        }


class FailsOnce(MemoryKafka):
    async def publish(self, *record: Any) -> None:
        failing, self.failing = self.failing, None
        if failing:
            raise failing
        await super().publish(*record)


def test_each_try_of_a_message_is_a_span_and_says_how_it_ended(traces: Traces, queue_url: str) -> None:
    boto3.client("sqs").send_message(QueueUrl=queue_url, MessageBody=BODY.decode())
    kafka = FailsOnce()
    kafka.fail()
    from_sqs(queue_url, kafka, 1)
    tries = [span for span in traces.spans if span.kind is SpanKind.CONSUMER]
    assert [(span.attributes or {})["canvas.outcome"] for span in tries] == ["waiting", "stored"]
    assert [span.status.is_ok for span in tries] == [False, True]


def test_off_the_raw_record_has_no_traceparent_even_where_the_request_has_one() -> None:
    assert TRACING.tracer is None
    (record,) = posted({"traceparent": SAMPLED})
    assert traceparents(record.headers) == []
