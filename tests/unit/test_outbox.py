"""Refused deliveries are tried again and then given up; every answer is counted; doors share the feed."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bridge.sandbox.outbox import RETRIES, deliver
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import PlainWebhook, Sender, SqsQueue
from tests.unit.walls import QUICK, Wall, deliver_to, event, received, sqs_client, webhook

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def test_what_is_refused_is_tried_again_until_it_is_accepted() -> None:
    wall = Wall(500, 429, 503)
    receipts = deliver_to(wall, [event(1)])
    assert len(wall.bodies) == 4
    assert len(set(wall.bodies)) == 1
    assert {status: tries for (_, status), tries in receipts.refused.items()} == {
        "500": 1,
        "429": 1,
        "503": 1,
    }
    assert (receipts.accepted.total(), receipts.retries, receipts.given_up.total()) == (1, 3, 0)


def test_after_three_retries_a_delivery_is_given_up() -> None:
    wall = Wall(*[403] * 20)
    receipts = deliver_to(wall, [event(1), event(2)])
    assert len(wall.bodies) == 2 * (RETRIES + 1)
    assert (receipts.accepted.total(), receipts.given_up.total()) == (0, 2)
    assert receipts.finished == receipts.sent.total() == 2


def test_a_503_is_waited_for_as_long_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr("bridge.sandbox.outbox.asyncio.sleep", note)
    receipts = deliver_to(Wall(503, 503, headers={"Retry-After": "7"}), [event(1)])
    assert [wait for wait in waits if wait] == [7, 7]
    assert receipts.accepted.total() == 1


def test_a_redirect_is_a_refusal() -> None:
    receipts = deliver_to(Wall(302), [event(1)])
    assert {status for _, status in receipts.refused} == {"302"}
    assert receipts.accepted.total() == 1


def test_accepted_duplicates_malformed_and_unknown_add_up() -> None:
    first = event(1)
    receipts = deliver_to(Wall(), [first, first.again(first.payload), event(2)])
    assert receipts.document() == {
        "sent": 3,
        "accepted": 3,
        "accepted_by_door": dict(receipts.accepted),
        "duplicates": 1,
        "malformed": 0,
        "malformed_by_flaw": {},
        "unknown": 0,
        "by_event_name": {"logged_out": 2},
        "refused_tries": {},
        "retries": 0,
        "given_up": 0,
        "event_ids": sorted(receipts.event_ids),
    }
    assert len(receipts.event_ids) == 2


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator["SQSClient"]:
    with sqs_client(monkeypatch) as client:
        yield client


def test_doors_share_the_deliveries_as_each_says(sqs: "SQSClient") -> None:
    queue = sqs.create_queue(QueueName="canvas-live-events-shared")["QueueUrl"]
    wall, receipts = Wall(), Receipts()
    deliveries = [event(number, door=number % 2) for number in range(60)]

    async def run() -> None:
        async with webhook(wall) as url:
            doors: list[Sender] = [PlainWebhook(url), SqsQueue(queue)]
            await deliver(deliveries, doors, QUICK, receipts)
            for door in doors:
                await door.close()

    asyncio.run(run())
    assert sorted(wall.bodies) == sorted(delivery.payload for delivery in deliveries if delivery.door == 0)
    bodies = [message["Body"].encode() for message in received(sqs, queue)]
    assert sorted(bodies) == sorted(delivery.payload for delivery in deliveries if delivery.door == 1)
    assert set(receipts.accepted.values()) == {30}
