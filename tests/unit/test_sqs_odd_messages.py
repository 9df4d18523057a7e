"""Messages the SQS door did not expect: none of them stops the others, and none vanishes unseen."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from bridge.door_settings import SqsSettings
from bridge.ingress import receiver as receiver_module
from bridge.ingress.sqs import Sqs
from bridge.ingress.sqs_queue import Queue
from bridge.kafka import Unacceptable
from bridge.metrics import REFUSED, SQS_ERRORS
from processors.catalogue import load_catalogue
from processors.failures import Failure
from processors.validate import validate
from tests.unit.doors import EVENT, MemoryKafka, metric, running, until
from tests.unit.sqs_site import Site, break_call, memory_queue, site

S3_NOTIFICATION = orjson.dumps({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "x"}}}]})
SNS_ENVELOPE = orjson.dumps(
    {"Type": "Notification", "MessageId": "1", "Message": orjson.dumps(EVENT).decode()}
)
S3_TEST = b'{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}'


@pytest.fixture(autouse=True)
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with memory_queue(monkeypatch) as url:
        yield url


@pytest.mark.parametrize("body", [S3_NOTIFICATION, SNS_ENVELOPE, S3_TEST])
def test_what_another_service_sends_goes_on_as_it_is_and_becomes_a_dead_letter(
    queue_url: str, body: bytes
) -> None:
    async def go() -> None:
        async with site(queue_url) as at:
            at.send(body.decode())
            await until(lambda: at.left() == (0, 0) and at.kafka.records)
            (record,) = at.kafka.records
            assert record.value == body
            (outcome,) = validate(record, load_catalogue())
            assert isinstance(outcome, Failure)
            assert outcome.reason == "unrecognised_format"

    asyncio.run(go())


@pytest.mark.parametrize(
    "attribute",
    [{"DataType": "Binary", "BinaryValue": b"\xff"}, {"DataType": "Binary.gzip", "BinaryValue": b"x"}],
)
def test_an_attribute_that_is_no_text_is_left_out(queue_url: str, attribute: Any) -> None:
    async def go() -> None:
        async with site(queue_url) as at:
            at.client.send_message(
                QueueUrl=queue_url, MessageBody="one", MessageAttributes={"event_name": attribute}
            )
            await until(lambda: at.left() == (0, 0) and at.kafka.records)
            assert at.kafka.records[0].header("canvas.event_name") is None

    asyncio.run(go())


def test_attributes_we_do_not_know_reach_no_header(queue_url: str) -> None:
    async def go() -> None:
        async with site(queue_url) as at:
            at.send("one", event_name="logged_in", user_id="7", anything="else")
            await until(lambda: at.left() == (0, 0) and at.kafka.records)
            ours = {name for name, _ in at.kafka.records[0].headers if name.startswith("canvas.")}
            assert ours == {"canvas.event_name", "canvas.sqs.message_id"}

    asyncio.run(go())


class StrictKafka(MemoryKafka):
    """Refuses every record that says so for good, and with it those it is sent together with."""

    def __init__(self, *, together: bool = False) -> None:
        super().__init__()
        self.together = together
        self.sent_at_a_time = 0

    async def publish(self, topic: str, key: bytes, value: bytes, *more: Any) -> None:
        self.sent_at_a_time += 1
        await asyncio.sleep(0)
        batch = self.sent_at_a_time
        await asyncio.sleep(0)
        self.sent_at_a_time = 0
        if value.startswith(b"large") or (self.together and batch > 1):
            raise Unacceptable("Broker: Message size too large")
        await super().publish(topic, key, value, *more)


@pytest.mark.parametrize("together", [False, True])
def test_a_record_kafka_refuses_for_good_holds_nobody_up_and_is_not_deleted(
    queue_url: str, together: Any, caplog: pytest.LogCaptureFixture
) -> None:
    refused = metric(REFUSED, "sqs", "unacceptable")

    async def go() -> None:
        door = Sqs(SqsSettings(queue_url=queue_url, wait_seconds=0, receivers=1))
        kafka = StrictKafka(together=together)
        at = Site(queue_url, door, kafka, None)  # type: ignore[arg-type]
        at.send("one", "large swordfish", "two")
        async with running(door, kafka):
            await until(lambda: sum(at.left()) == 1 and len(kafka.records) == 2)
            at.send("three")
            # The large one is neither deleted nor given back at once.
            await until(lambda: len(kafka.records) == 3 and at.left() == (0, 1))
        assert sorted(record.value for record in kafka.records) == [b"one", b"three", b"two"]

    asyncio.run(go())
    assert metric(REFUSED, "sqs", "unacceptable") == refused + 1
    assert "max.message.bytes" in caplog.text
    assert "swordfish" not in caplog.text


def test_what_is_refused_for_good_is_not_held_on_to(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def count(real: Any) -> Any:
        answer = real()
        held.append(len(answer["Successful"]))
        return answer

    break_call(monkeypatch, "ChangeMessageVisibilityBatch", count)
    monkeypatch.setattr(receiver_module, "EXTEND_AFTER", 0.001)

    class HalfStrict(StrictKafka):
        async def publish(self, topic: str, key: bytes, value: bytes, *more: Any) -> None:
            if value == b"one":
                self.fail()
                raise self.failing or AssertionError
            await super().publish(topic, key, value, *more)

    async def go() -> None:
        door, kafka = Sqs(SqsSettings(queue_url=queue_url, wait_seconds=0, receivers=1)), HalfStrict()
        at = Site(queue_url, door, kafka, None)  # type: ignore[arg-type]
        at.send("one", "large")
        async with running(door, kafka):
            await until(lambda: held[-3:] == [1, 1, 1])

    asyncio.run(go())


def test_a_fault_with_one_message_does_not_end_the_door(
    queue_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    faults = metric(REFUSED, "sqs", "internal")

    class FaultyKafka(MemoryKafka):
        async def publish(self, topic: str, key: bytes, value: bytes, *more: Any) -> None:
            if value.startswith(b"bad"):
                raise ZeroDivisionError(value.decode())
            await super().publish(topic, key, value, *more)

    async def go() -> None:
        door, kafka = Sqs(SqsSettings(queue_url=queue_url, wait_seconds=0, receivers=1)), FaultyKafka()
        at = Site(queue_url, door, kafka, None)  # type: ignore[arg-type]
        at.send("bad swordfish", "good")
        async with running(door, kafka):
            await until(lambda: at.left() == (0, 1) and len(kafka.records) == 1)
            at.send("good")
            await until(lambda: len(kafka.records) == 2)

    asyncio.run(go())
    assert metric(REFUSED, "sqs", "internal") == faults + 1
    assert "ZeroDivisionError" in caplog.text
    assert "swordfish" not in caplog.text


def test_each_message_whose_extension_fails_counts(
    queue_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_one(real: Any) -> Any:
        return {"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "InternalError"}]}

    break_call(monkeypatch, "ChangeMessageVisibilityBatch", fail_one)
    monkeypatch.setattr(receiver_module, "EXTEND_AFTER", 0.001)
    before = metric(SQS_ERRORS, "extend")

    async def go() -> None:
        Site(queue_url, None, None, None).send("one", "two")  # type: ignore[arg-type]
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            await until(lambda: metric(SQS_ERRORS, "extend") >= before + 3)
            at.kafka.open.set()
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())
    assert "visibility timeout of 1 messages" in caplog.text


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
def test_a_message_that_is_no_longer_ours_is_not_deleted_again_and_again(
    queue_url: str, code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[list[str]] = []

    def fail_one(real: Any) -> Any:
        answer = real()
        asked.append([entry["Id"] for entry in answer["Successful"]])
        answer["Failed"] = [{"Id": "0", "Code": code, "SenderFault": True}]
        return answer

    break_call(monkeypatch, "DeleteMessageBatch", fail_one)

    async def go() -> None:
        Site(queue_url, None, None, None).send("one", "two")  # type: ignore[arg-type]
        async with site(queue_url, receivers=1) as at:
            await until(lambda: asked)
            at.send("three")
            await until(lambda: len(at.kafka.records) == 3)

    asyncio.run(go())
    assert asked == [["0", "1"], ["0"]]
    assert "no longer ours" in caplog.text


def test_the_first_of_many_batches_is_as_large_as_sqs_gives(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[int] = []

    def count(real: Any) -> Any:
        answer = real()
        deleted.append(len(answer["Successful"]))
        return answer

    break_call(monkeypatch, "DeleteMessageBatch", count)

    async def go() -> None:
        Site(queue_url, None, None, None).send(*map(str, range(30)))  # type: ignore[arg-type]
        async with site(queue_url, receivers=1) as at:
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())
    assert deleted == [10, 10, 10]


def test_an_answer_of_another_shape_is_no_message(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_call(monkeypatch, "ReceiveMessage", lambda real: {})

    async def go() -> None:
        async with Queue(SqsSettings(queue_url=queue_url)) as queue:
            assert await queue.receive() == []

    asyncio.run(go())
