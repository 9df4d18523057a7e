"""The doors as processes: start, stop, bad input and an outage of Kafka, each with the documented answer."""

import asyncio
import io
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import pytest

from bridge.ingress import DOORS
from bridge.sandbox.engines.base import Engine
from tests.integration.canvas_side import CanvasQueue, event
from tests.integration.conftest import Stored
from tests.integration.door_process import DoorProcess, wait_for
from tests.integration.engine_kafka import on_real_kafka, without_containers
from tests.unit.doors import ACCOUNT, KID, serving_jwks, token


@pytest.fixture
def queue(engine: Engine, queue_url: str) -> Iterator[CanvasQueue]:
    queue = CanvasQueue(engine, queue_url)
    with closing(queue.client):
        yield queue


@without_containers
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


@without_containers
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


@without_containers
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


@without_containers
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
