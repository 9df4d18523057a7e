"""The SQS door against SQS in memory: what is stored is deleted, and nothing else is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import orjson
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from moto import mock_aws

from bridge.ingress import receiver as receiver_module
from bridge.ingress.base import DoorBroken
from bridge.ingress.sqs import Sqs
from bridge.ingress.sqs_queue import Queue
from bridge.metrics import RECEIVED, REFUSED, SQS_ERRORS, STORED
from bridge.rate_limit import RateLimit
from bridge.settings import SqsSettings
from tests.unit.doors import EVENT, MemoryKafka, Running, metric, running, until

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(receiver_module, "Backoff", quick_backoff)
    monkeypatch.setattr(receiver_module.log, "filters", [RateLimit()])
    with mock_aws():
        client = boto3.client("sqs")
        yield client.create_queue(QueueName="canvas-live-events")["QueueUrl"]


def quick_backoff(first: float, most: float) -> Any:
    class Quick:
        def next(self) -> float:
            return 0.01

        def reset(self) -> None: ...

    return Quick()


class Site:
    """The SQS door at work on a queue."""

    def __init__(self, url: str, door: Sqs, kafka: MemoryKafka, work: Running) -> None:
        self.url, self.door, self.kafka, self.work = url, door, kafka, work
        self.client: Any = boto3.client("sqs")

    def send(self, *bodies: str, **attributes: str) -> list[str]:
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        return [
            self.client.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=typed)[
                "MessageId"
            ]
            for body in bodies
        ]

    def left(self) -> tuple[int, int]:
        """Messages to be had, messages in somebody's hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(counts[names[0]]), int(counts[names[1]])


@asynccontextmanager
async def site(url: str, **more: Any) -> AsyncIterator[Site]:
    settings = SqsSettings(**{"queue_url": url, "wait_seconds": 0, "receivers": 2, **more})
    door, kafka = Sqs(settings), MemoryKafka()
    async with running(door, kafka) as work:
        yield Site(url, door, kafka, work)


def break_call(monkeypatch: pytest.MonkeyPatch, operation: str, change: Callable[[Any], Any]) -> None:
    """Replaces one call of SQS by a function of the real call."""
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            return change(lambda: real(self, name, arguments))
        return real(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


def test_a_message_becomes_a_record_with_its_attributes_and_is_deleted(queue_url: str) -> None:
    stored = metric(STORED, "sqs")

    async def go() -> None:
        async with site(queue_url) as at:
            body = orjson.dumps(EVENT).decode()
            (message_id,) = at.send(body, event_name="course_created", event_time="2026-03-01T09:30:00.125Z")
            await until(lambda: at.left() == (0, 0) and at.kafka.records)
            (record,) = at.kafka.records
            assert record.value == body.encode()
            assert record.header("ce_source") == "/canvas-bridge/sqs"
            assert record.header("canvas.event_name") == "course_created"
            assert record.header("canvas.event_time") == "2026-03-01T09:30:00.125Z"
            assert record.header("canvas.sqs.message_id") == message_id

    asyncio.run(go())
    assert metric(STORED, "sqs") == stored + 1


@pytest.mark.parametrize("body", ["{", "not json", "[" * 20_000, '{"neither": "format"}', "\u00e9\U0001f600"])
def test_content_is_never_the_sender_s_fault(queue_url: str, body: str) -> None:
    async def go() -> None:
        async with site(queue_url) as at:
            at.send(body)
            await until(lambda: at.left() == (0, 0) and at.kafka.records)
            (record,) = at.kafka.records
            assert record.value == body.encode()
            assert record.header("canvas.event_name") is None

    asyncio.run(go())


def test_many_messages_and_several_receivers(queue_url: str) -> None:
    async def go() -> None:
        async with site(queue_url, receivers=3) as at:
            bodies = {orjson.dumps({**EVENT, "n": n}) for n in range(95)}
            at.send(*(body.decode() for body in bodies))
            await until(lambda: at.left() == (0, 0) and len(at.kafka.records) >= 95)
            # SQS may hand a message out twice; here it does when two receivers ask at once.
            assert {record.value for record in at.kafka.records} == bodies

    before = metric(RECEIVED, "sqs"), metric(STORED, "sqs")
    asyncio.run(go())
    assert metric(RECEIVED, "sqs") - before[0] == metric(STORED, "sqs") - before[1] >= 95


def test_nothing_is_deleted_before_kafka_has_confirmed(queue_url: str) -> None:
    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            at.send("one", "two")
            await at.kafka.asked.wait()
            assert sum(at.left()) == 2
            at.kafka.open.set()
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())


def test_in_an_outage_of_kafka_messages_are_kept_in_hand_until_it_is_over(
    queue_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused = metric(REFUSED, "sqs", "not_stored")

    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.fail()
            at.send("one", "two", "swordfish")
            await until(lambda: metric(REFUSED, "sqs", "not_stored") >= refused + 9)
            assert sum(at.left()) == 3
            assert at.door.live()
            at.kafka.failing = None
            await until(lambda: at.left() == (0, 0))
            assert sorted(record.value for record in at.kafka.records) == [b"one", b"swordfish", b"two"]

    asyncio.run(go())
    assert "swordfish" not in caplog.text
    assert len([line for line in caplog.messages if "did not confirm" in line]) == 1


class HalfKafka(MemoryKafka):
    """Refuses every record whose value says so."""

    async def publish(self, topic: str, key: bytes, value: bytes, *more: Any) -> None:
        self.failing = None
        if value.startswith(b"bad"):
            self.fail()
        await super().publish(topic, key, value, *more)


def test_of_one_batch_the_stored_are_deleted_and_the_others_are_not(queue_url: str) -> None:
    async def go() -> None:
        door, kafka = Sqs(SqsSettings(queue_url=queue_url, wait_seconds=0, receivers=1)), HalfKafka()
        at = Site(queue_url, door, kafka, None)  # type: ignore[arg-type]
        at.send("bad 1", "good 1", "bad 2", "good 2")
        async with running(door, kafka) as work:
            await until(lambda: sum(at.left()) == 2 and len(kafka.records) == 2)
            assert sorted(record.value for record in kafka.records) == [b"good 1", b"good 2"]
            work.stopping.set()
            await work.task
        assert at.left() == (2, 0), "at the end they are given back at once, not after the timeout"

    asyncio.run(go())


def test_visibility_is_extended_while_a_message_waits(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended: list[int] = []

    def count(real: Any) -> Any:
        answer = real()
        extended.append(len(answer["Successful"]))
        return answer

    break_call(monkeypatch, "ChangeMessageVisibilityBatch", count)
    monkeypatch.setattr(receiver_module, "EXTEND_AFTER", 0.001)

    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            at.send("one")
            await until(lambda: len(extended) >= 3)
            assert extended[:3] == [1, 1, 1]
            at.kafka.open.set()
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())


def test_a_refused_extension_is_said_and_costs_nothing(
    queue_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def deny(real: Any) -> Any:
        raise client_error("AccessDenied", 403)

    break_call(monkeypatch, "ChangeMessageVisibilityBatch", deny)
    monkeypatch.setattr(receiver_module, "EXTEND_AFTER", 0.001)
    before = metric(SQS_ERRORS, "extend")

    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            at.send("one")
            await until(lambda: metric(SQS_ERRORS, "extend") > before)
            at.kafka.open.set()
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())
    assert "did not change a visibility timeout" in caplog.text


def test_a_failed_delete_is_tried_again_message_by_message(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [{0, 1, 2}, {0, 2}, {0}]

    def fail_some(real: Any) -> Any:
        answer, ids = real(), failing.pop(0) if failing else set()
        if len(ids) == 3:
            raise client_error("ServiceUnavailable", 503)
        answer["Failed"] = [{"Id": str(at), "Code": "InternalError", "SenderFault": False} for at in ids]
        return answer

    break_call(monkeypatch, "DeleteMessageBatch", fail_some)
    errors = metric(SQS_ERRORS, "delete")

    async def go() -> None:
        Site(queue_url, None, None, None).send("one", "two", "three")  # type: ignore[arg-type]
        async with site(queue_url, receivers=1) as at:
            await until(lambda: not failing and at.left() == (0, 0))
            assert len(at.kafka.records) == 3

    asyncio.run(go())
    assert metric(SQS_ERRORS, "delete") == errors + 3 + 2 + 1


@pytest.mark.parametrize(
    "code", ["AccessDenied", "AccessDeniedException", "AWS.SimpleQueueService.AccessDenied"]
)
def test_a_denied_delete_ends_the_door_with_the_remedy(
    queue_url: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(real: Any) -> Any:
        raise client_error(code, 403)

    break_call(monkeypatch, "DeleteMessageBatch", deny)
    assert "sqs:DeleteMessage" in ends_broken(queue_url)


def test_a_delete_that_is_denied_for_one_message_ends_the_door_too(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"Failed": [{"Id": "0", "Code": "AccessDenied", "SenderFault": True}]}
    break_call(monkeypatch, "DeleteMessageBatch", lambda real: failed)
    assert "sqs:DeleteMessage" in ends_broken(queue_url)


def ends_broken(url: str) -> str:
    async def work() -> None:
        async with site(url) as at:
            at.client.send_message(QueueUrl=at.url, MessageBody="one")
            await at.work.task

    with pytest.raises(DoorBroken) as broken:
        asyncio.run(work())
    return str(broken.value)


def test_a_queue_that_does_not_exist_ends_the_door_with_the_remedy(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=queue_url)
    break_call(monkeypatch, "SendMessage", lambda real: None)
    said = ends_broken(queue_url)
    assert "SQS knows no queue" in said
    assert "BRIDGE_SQS__QUEUE_URL" in said


def test_no_credentials_end_the_door_with_the_remedy(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_none(real: Any) -> Any:
        raise NoCredentialsError

    break_call(monkeypatch, "ReceiveMessage", find_none)
    assert "AWS_ACCESS_KEY_ID" in ends_broken(queue_url)


def test_no_region_is_said_with_the_remedy(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(DoorBroken, match="AWS_DEFAULT_REGION"):
        Queue(SqsSettings(queue_url=queue_url))


@pytest.mark.parametrize(
    "error",
    [
        client_error("ServiceUnavailable", 503),
        client_error("OverLimit", 403),
        ConnectTimeoutError(endpoint_url="x"),
    ],
)
def test_trouble_with_receiving_is_waited_out(
    queue_url: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([error] * 5)

    def fail_at_first(real: Any) -> Any:
        for failure in failures:
            raise failure
        return real()

    break_call(monkeypatch, "ReceiveMessage", fail_at_first)
    before = metric(SQS_ERRORS, "receive")

    async def go() -> None:
        async with site(queue_url) as at:
            at.send("one")
            await until(lambda: at.left() == (0, 0) and at.kafka.records)

    asyncio.run(go())
    assert metric(SQS_ERRORS, "receive") == before + 5
    assert len([line for line in caplog.messages if "SQS does not answer" in line]) == 1


def test_at_the_end_what_is_in_hand_is_finished_and_nothing_new_is_taken(
    queue_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            at.send("one")
            await at.kafka.asked.wait()
            at.work.stopping.set()
            await until(lambda: not at.door.ready())
            at.send("two")
            assert not at.work.task.done()
            at.kafka.open.set()
            await at.work.task
            assert [record.value for record in at.kafka.records] == [b"one"]
            assert at.left() == (1, 0)

    with caplog.at_level(logging.INFO):
        asyncio.run(go())
    assert "stopping: long polls end within 0 s" in caplog.text


def test_liveness_is_the_progress_of_every_receiver(queue_url: str) -> None:
    async def go() -> None:
        async with site(queue_url) as at:
            assert at.door.live()
            at.door._receivers[1]._pulse._limit = -1
            assert not at.door.live()

    asyncio.run(go())
