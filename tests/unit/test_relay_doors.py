"""What every door owes, run over the dict of doors: a door added there is tested here or the suite fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import aiohttp
import boto3
import click
import orjson
import pytest
from moto import mock_aws

from bridge.__main__ import main
from bridge.contract import CE_ID, CE_SOURCE, CE_TIME, CONTENT_TYPE
from bridge.door_settings import SqsSettings
from bridge.identity import event_id
from bridge.ingress import DOORS
from bridge.ingress.base import Door
from bridge.ingress.sqs import Sqs
from bridge.ingress.sqs_calls import SqsCalls
from bridge.ingress.webhook import Webhook
from bridge.metrics import IN_FLIGHT_BYTES, RECEIVED, STORED
from tests.unit.doors import EVENT, MemoryKafka, Running, metric, running, until, webhook_settings
from tests.unit.sqs_site import post_in_memory

BODY = orjson.dumps(EVENT)


@dataclass
class Visit:
    """A door at work and Canvas before it."""

    door: Door
    work: Running
    deliver: Callable[[bytes], Awaitable[None]]
    acknowledged: Callable[[], int]


@asynccontextmanager
async def before_webhook(kafka: MemoryKafka) -> AsyncIterator[Visit]:
    door = Webhook(webhook_settings())
    answers: list[int] = []
    async with aiohttp.ClientSession() as client, running(door, kafka) as work, asyncio.TaskGroup() as posts:

        async def post(body: bytes) -> None:
            async with client.post(f"http://127.0.0.1:{door.port}/", data=body) as response:
                answers.append(response.status)

        async def deliver(body: bytes) -> None:
            posts.create_task(post(body))

        yield Visit(door, work, deliver, lambda: answers.count(202))


@asynccontextmanager
async def before_sqs(kafka: MemoryKafka) -> AsyncIterator[Visit]:
    with mock_aws():
        client: Any = boto3.client("sqs", region_name="us-east-1")
        url = client.create_queue(QueueName="canvas-live-events")["QueueUrl"]
        door, sent = Sqs(SqsSettings(queue_url=url, wait_seconds=0, receivers=1)), 0
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        async def deliver(body: bytes) -> None:
            nonlocal sent
            client.send_message(QueueUrl=url, MessageBody=body.decode())
            sent += 1

        def acknowledged() -> int:
            counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            return sent - sum(int(counts[name]) for name in names)

        async with running(door, kafka) as work:
            yield Visit(door, work, deliver, acknowledged)


VISITS: dict[str, Callable[[MemoryKafka], AbstractAsyncContextManager[Visit]]] = {
    "webhook": before_webhook,
    "sqs": before_sqs,
}
every_door = pytest.mark.parametrize("name", DOORS)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(SqsCalls, "_post", post_in_memory)


@every_door
def test_it_acknowledges_never_before_the_event_is_stored(name: str) -> None:
    async def go() -> None:
        kafka = MemoryKafka()
        kafka.open.clear()
        async with VISITS[name](kafka) as visit:
            await visit.deliver(BODY)
            await kafka.asked.wait()
            assert visit.acknowledged() == 0
            kafka.open.set()
            await until(lambda: visit.acknowledged() == 1)
            assert len(kafka.records) == 1

    asyncio.run(go())


@every_door
def test_it_never_acknowledges_what_could_not_be_stored(name: str) -> None:
    stored = metric(STORED, name)

    async def go() -> None:
        kafka = MemoryKafka()
        kafka.fail()
        async with VISITS[name](kafka) as visit:
            await visit.deliver(BODY)
            await kafka.asked.wait()
            visit.work.stopping.set()
            await visit.work.task
            assert visit.acknowledged() == 0
            assert kafka.records == []

    asyncio.run(go())
    assert metric(STORED, name) == stored


@every_door
def test_what_it_stores_is_the_delivery_byte_for_byte_under_its_event_id(name: str) -> None:
    async def go() -> None:
        kafka = MemoryKafka()
        bodies = [BODY, b"{", b"[]", b'{ "spaces" : 1 }']
        async with VISITS[name](kafka) as visit:
            for body in bodies:
                await visit.deliver(body)
            await until(lambda: visit.acknowledged() == len(bodies))
        assert sorted(record.value for record in kafka.records) == sorted(bodies)
        for record in kafka.records:
            identity = event_id(record.value)
            assert (record.key, record.header(CE_ID)) == (identity.encode(), identity)
            assert record.header(CE_SOURCE) == f"/canvas-bridge/{name}"
            assert record.header(CONTENT_TYPE) == "application/json"
            assert str(record.header(CE_TIME)).endswith("Z")
        assert set(kafka.topics) == {"canvas.raw"}

    asyncio.run(go())


@every_door
def test_it_counts_what_it_received_and_holds_nothing_after(name: str) -> None:
    before = metric(RECEIVED, name), metric(STORED, name), metric(IN_FLIGHT_BYTES)

    async def go() -> None:
        async with VISITS[name](MemoryKafka()) as visit:
            for _ in range(3):
                await visit.deliver(BODY)
            await until(lambda: visit.acknowledged() == 3)

    asyncio.run(go())
    after = metric(RECEIVED, name), metric(STORED, name), metric(IN_FLIGHT_BYTES)
    assert after == (before[0] + 3, before[1] + 3, before[2])


@every_door
def test_it_says_when_it_is_ready_and_lives(name: str) -> None:
    async def go() -> None:
        async with VISITS[name](MemoryKafka()) as visit:
            assert visit.door.name == name
            assert visit.door.ready()
            assert visit.door.live()
            visit.work.stopping.set()
            await visit.work.task
            assert not visit.door.ready()

    asyncio.run(go())


@every_door
def test_it_is_a_command_of_its_name(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command is import_module(DOORS[name]).command
    assert command.name == name
