"""The SQS door against SQS in memory: what is stored is deleted, and nothing else is."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from bridge.door_settings import SqsSettings
from bridge.ingress import receiver as receiver_module
from bridge.ingress.sqs import Sqs
from bridge.metrics import RECEIVED, REFUSED, STORED
from tests.unit.doors import EVENT, MemoryKafka, metric, running, until
from tests.unit.sqs_site import Site, break_call, memory_queue, site


@pytest.fixture(autouse=True)
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with memory_queue(monkeypatch) as url:
        yield url


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
