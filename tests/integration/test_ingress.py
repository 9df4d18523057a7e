"""The doors as processes, killed under load: what was acknowledged is on the raw topic."""

import asyncio
import io
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.contract import RawEvent
from bridge.identity import event_id
from bridge.ingress import DOORS
from bridge.sandbox.engines.base import Engine
from tests.integration.conftest import TopicMaker
from tests.integration.door_process import (
    HASTY,
    DoorProcess,
    Load,
    event,
    records_of,
    wait_for,
)
from tests.unit.doors import ACCOUNT, KID, serving_jwks, token

Stored = Callable[[], list[RawEvent]]
KILLS = 3
PER_KILL = 400
on_real_kafka = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(name, marks=getattr(pytest.mark, f"engine_{name}"))
        for name in ("processes", "containers")
    ],
    indirect=True,
)


@pytest.fixture
def stored(engine: Engine, make_topic: TopicMaker) -> Stored:
    """Every record of this test's raw topic, when called."""
    topic = make_topic("raw", 4)
    return lambda: records_of(engine.addresses.kafka_bootstrap_servers, topic)


def kill_under_load(door: DoorProcess) -> Load:
    """Kills the webhook again and again while it is busy; what it accepted."""
    load = Load(door.port)
    for kill in range(1, KILLS + 1):
        asyncio.run(load.run_until(kill * PER_KILL, door.kill))
        assert load.lost_connections == kill * 24, "it was killed with requests in hand"
        door.start()
    return load


def test_kill_9_of_the_webhook_loses_nothing_it_accepted(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", environment, tmp_path / "log") as door:
        load = kill_under_load(door)
        assert door.stop() == 0, door.log()
    records = stored()
    assert load.statuses == {202}
    assert len(load.accepted) >= KILLS * PER_KILL
    assert load.accepted - {record.value for record in records} == set()
    assert all(record.key == str(event_id(record.value)).encode() for record in records)


def test_the_same_kill_finds_what_a_door_loses_that_acknowledges_first(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", environment, tmp_path / "log", HASTY) as door:
        load = kill_under_load(door)
    assert load.accepted - {record.value for record in stored()}


class CanvasQueue:
    """The queue Canvas writes to."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.client: Any = engine.addresses.sqs()
        self.url = url
        # As many as keep the door busy for some seconds; the SQS of the embedded engine is slow.
        self.total = 200 if engine.name == "embedded" else 2000

    def send(self, count: int) -> set[bytes]:
        """Sends so many events; their bodies."""
        bodies = [event(number) for number in range(count)]
        name = {"event_name": {"DataType": "String", "StringValue": "logged_in"}}
        for at in range(0, count, 10):
            entries = [
                {"Id": str(number), "MessageBody": body.decode(), "MessageAttributes": name}
                for number, body in enumerate(bodies[at : at + 10])
            ]
            assert not self.client.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")
        return set(bodies)

    def left(self) -> int:
        """Messages that are not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)


@pytest.fixture
def queue(engine: Engine, queue_url: str) -> Iterator[CanvasQueue]:
    queue = CanvasQueue(engine, queue_url)
    with closing(queue.client):
        yield queue


def kill_while_it_drains(door: DoorProcess, queue: CanvasQueue) -> None:
    """Kills the SQS door again and again while messages are left."""
    for kill in range(1, KILLS + 1):
        goal = queue.total - queue.total * kill // (KILLS + 2)
        wait_for(lambda goal=goal: queue.left() <= goal, "progress")  # type: ignore[misc]
        door.kill()
        assert queue.left() > 0, "it was killed with messages left"
        door.start()


def test_kill_9_of_the_sqs_door_loses_nothing_it_deleted(
    environment: dict[str, str], stored: Stored, queue: CanvasQueue, tmp_path: Path
) -> None:
    sent = queue.send(queue.total)
    with DoorProcess("sqs", environment, tmp_path / "log") as door:
        kill_while_it_drains(door, queue)
        # What it had in hand comes back after the visibility timeout.
        wait_for(lambda: queue.left() == 0, "the queue to be empty")
        assert door.stop() == 0, door.log()
    records = stored()
    assert sent == {record.value for record in records}
    assert {record.header("canvas.event_name") for record in records} == {"logged_in"}


def test_the_same_kill_finds_what_a_door_loses_that_deletes_first(
    environment: dict[str, str], stored: Stored, queue: CanvasQueue, tmp_path: Path
) -> None:
    sent = queue.send(queue.total)
    with DoorProcess("sqs", environment, tmp_path / "log", HASTY) as door:
        kill_while_it_drains(door, queue)
        assert door.stop() == 0, door.log()
    assert len({record.value for record in stored()}) + queue.left() < len(sent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", DOORS)
def test_a_door_asked_to_stop_ends_with_0_and_says_so(
    name: str, number: signal.Signals, environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess(name, environment, tmp_path / "log") as door:
        assert door.get("/healthz/live") == "ok\n"
        assert "canvas_bridge_stored_total" in door.get("/metrics")
        assert door.stop(number) == 0, door.log()
    assert "stopping" in door.log()
    assert door.log().splitlines()[-1].endswith("stopped")
    assert "Traceback" not in door.log()


PLAIN_BODIES = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 50_000 + b"]" * 50_000,
    b'{"neither": "format"}',
    b"eyJhbGciOiJub25lIn0.e30.",
    event(1),
]


def test_a_plain_webhook_takes_whatever_it_is_given_but_for_size(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    async def post(door: DoorProcess) -> list[int]:
        async with aiohttp.ClientSession() as client:
            return [await status(client, door.url, body) for body in [*PLAIN_BODIES, b"x" * 2 * 1_048_576]]

    with DoorProcess("webhook", environment, tmp_path / "log") as door:
        answers = asyncio.run(post(door))
        assert door.stop() == 0
    assert answers == [202] * len(PLAIN_BODIES) + [413]
    assert sorted(record.value for record in stored()) == sorted(PLAIN_BODIES)
    assert "BRIDGE_WEBHOOK__ACCEPT=plain: nothing is authenticated" in door.log()
    assert "Traceback" not in door.log()


FORGED = {
    "no token": event(1),
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "nested": b"[" * 50_000,
    "alg none": b"eyJhbGciOiJub25lIn0.e30.",
    "alg HS256": b"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.e30.AAAA",
    "unknown kid": token(headers={"kid": "2019-10-01T21:08:45Z"}),
    "wrong signature": token(key="stranger"),
    "wrong issuer": token(iss="https://elsewhere.example.com"),
    "wrong root account": token({"metadata": {"root_account_uuid": "another"}}),
}


def test_a_signed_webhook_takes_what_canvas_signed_for_us_and_nothing_else(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    async def post() -> tuple[list[int], list[int], str]:
        async with serving_jwks() as canvas, aiohttp.ClientSession() as client:
            own = {
                "BRIDGE_WEBHOOK__ACCEPT": "signed",
                "BRIDGE_WEBHOOK__JWKS_URL": canvas.url,
                "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS": ACCOUNT,
            }
            door = DoorProcess("webhook", {**environment, **own}, tmp_path / "log")
            await asyncio.to_thread(door.start)
            try:
                taken = [await status(client, door.url, body) for body in (token(), b'"' + token(n=2) + b'"')]
                refused = [await status(client, door.url, body) for body in FORGED.values()]
                assert await asyncio.to_thread(door.stop) == 0
            finally:
                await asyncio.to_thread(door.kill)
            return taken, refused, door.log()

    taken, refused, log = asyncio.run(post())
    assert taken == [202, 202]
    assert dict(zip(FORGED, refused, strict=True)) == dict.fromkeys(FORGED, 401)
    records = stored()
    assert [record.header("canvas.signature.kid") for record in records] == [KID, KID]
    assert all(b"signature" not in record.value for record in records)
    assert "Traceback" not in log
    assert "eyJ" not in log


async def status(client: aiohttp.ClientSession, url: str, body: bytes) -> int:
    async with client.post(url, data=io.BytesIO(body)) as response:
        text = await response.text()
        assert len(text) < 40
        assert response.status != 503 or "Retry-After" in response.headers
        return response.status


@on_real_kafka
def test_while_kafka_is_away_nothing_is_acknowledged_and_after_it_all_is_taken(
    engine: Engine, environment: dict[str, str], stored: Stored, queue: CanvasQueue, tmp_path: Path
) -> None:
    short = {**environment, "KAFKA_DELIVERY_TIMEOUT_SECONDS": "2"}

    async def post(door: DoorProcess, number: int) -> int:
        async with aiohttp.ClientSession() as client:
            return await status(client, door.url, event(number))

    with (
        DoorProcess("webhook", short, tmp_path / "webhook") as webhook,
        DoorProcess("sqs", short, tmp_path / "sqs") as door,
    ):
        assert asyncio.run(post(webhook, 1000)) == 202
        engine.pause("kafka")
        try:
            sent = queue.send(20)
            assert asyncio.run(post(webhook, 1001)) == 503
            wait_for(lambda: "did not confirm" in door.log(), "the outage to be noticed")
            assert queue.left() == 20
            assert webhook.get("/healthz/live") == door.get("/healthz/live") == "ok\n"
        finally:
            engine.resume("kafka")
        wait_for(lambda: queue.left() == 0, "the queue to be empty")
        wait_for(lambda: asyncio.run(post(webhook, 1002)) == 202, "the webhook to accept again")
    values = {record.value for record in stored()}
    assert values >= sent | {event(1000), event(1002)}


def test_a_door_that_cannot_work_says_why_and_ends_with_1(
    environment: dict[str, str], queue_url: str, tmp_path: Path
) -> None:
    with DoorProcess("webhook", environment, tmp_path / "first") as first:
        second = DoorProcess("webhook", environment, tmp_path / "second", port=first.port)
        assert ends_with_1(second)
    assert f"cannot listen on 127.0.0.1:{second.port}" in second.log()
    assert "BRIDGE_WEBHOOK__PORT" in second.log()
    gone = {**environment, "BRIDGE_SQS__QUEUE_URL": queue_url + "-gone"}
    door = DoorProcess("sqs", gone, tmp_path / "sqs")
    assert ends_with_1(door)
    assert "SQS knows no queue" in door.log()
    assert "Traceback" not in second.log() + door.log()


def ends_with_1(door: DoorProcess) -> bool:
    with suppress(AssertionError):  # it may be ready for a moment before it gives up
        door.start()
    wait_for(lambda: door.ended() is not None, "the door to give up")
    return door.ended() == 1
