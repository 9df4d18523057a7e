"""What the tests of the doors stand on: a Kafka in memory, real RSA keys, and a door that runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bridge.contract import Headers, RawEvent
from bridge.door_settings import WebhookSettings
from bridge.ingress.base import Door
from bridge.kafka import NotStored
from bridge.relay import Publishing, Relay

ISSUER = "https://live-events.canvas.instructure.com"
ACCOUNT = "qpwoei1029384756alskdjfh"
KID = "2026-03-01T00:00:00Z"
EVENT: dict[str, Any] = {
    "metadata": {
        "event_name": "course_created",
        "event_time": "2026-03-01T09:30:00.125Z",
        "root_account_uuid": ACCOUNT,
    },
    "body": {"course_id": "70000000000101", "name": "Beekeeping"},
}


class MemoryKafka:
    """A Publishing that keeps records in a list. `open` holds confirmations back, `failing` refuses them."""

    def __init__(self) -> None:
        self.records: list[RawEvent] = []
        self.topics: list[str] = []
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.failing: Exception | None = None

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        self.asked.set()
        await self.open.wait()
        if self.failing:
            raise self.failing
        self.records.append(RawEvent(value, key, headers, timestamp))
        self.topics.append(topic)

    def fail(self, error: Exception | None = None) -> None:
        self.failing = error or NotStored("broker transport failure")


@cache
def _generate(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A private key, the same for the same name."""
    return _generate(name, bits)


def jwk(name: str, kid: Any = KID, bits: int = 2048, **more: Any) -> dict[str, Any]:
    public = RSAAlgorithm.to_jwk(rsa_key(name, bits).public_key(), as_dict=True)
    return {**public, "kid": kid, **more}


def jwks(*keys: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"keys": list(keys)})


def token(
    claims: Mapping[str, Any] | None = None,
    key: str = "canvas",
    headers: Mapping[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """A signed delivery as Canvas sends it; `more` are further claims."""
    payload = {"iss": ISSUER, **(EVENT if claims is None else claims), **more}
    return sign(orjson.dumps(payload), key, headers)


def sign(payload: bytes, key: str = "canvas", headers: Mapping[str, Any] | None = None) -> bytes:
    """A token around any bytes."""
    fields = {"kid": KID, "typ": "JWT", **(headers or {})}
    return jwt.api_jws.encode(payload, rsa_key(key), "RS256", {k: v for k, v in fields.items() if v}).encode()


class JwksServer:
    """Serves a JWKS on loopback. `answer` is what comes next, once `open`; `requests` counts."""

    def __init__(self) -> None:
        self.answer = (200, jwks(jwk("canvas")))
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.url = ""
        self.open = asyncio.Event()
        self.open.set()

    async def _get(self, request: web.BaseRequest) -> web.Response:
        self.requests += 1
        await self.open.wait()
        status, body = self.answer
        return web.Response(status=status, body=body, headers=self.headers)


@asynccontextmanager
async def serving_jwks() -> AsyncIterator[JwksServer]:
    server = JwksServer()
    runner = web.ServerRunner(web.Server(server._get, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    try:
        yield server
    finally:
        await runner.cleanup()


def webhook_settings(**more: Any) -> WebhookSettings:
    return WebhookSettings(**{"port": 0, "accept": "plain", **more})


@dataclass
class Running:
    """A door at work: its relay, its order to stop, its end."""

    relay: Relay
    stopping: asyncio.Event
    task: "asyncio.Task[None]"


@asynccontextmanager
async def running(door: Door, kafka: Publishing) -> AsyncIterator[Running]:
    """The door at work, from ready until it has ended by itself after the order to stop."""
    relay, stopping = Relay(kafka, "canvas.raw", door.max_in_flight_bytes), asyncio.Event()
    task = asyncio.create_task(door.serve(relay, stopping))
    try:
        await until(lambda: door.ready() or task.done())
        yield Running(relay, stopping, task)
    finally:
        stopping.set()
        async with asyncio.timeout(30):
            await task


async def until(condition: Any, seconds: float = 30) -> None:
    """Waits for a condition with a generous limit."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition, not only one that can be signalled
            await asyncio.sleep(0.005)


def metric(metric: Any, *labels: str) -> float:
    """The value of a counter or gauge now."""
    (family,) = (metric.labels(*labels) if labels else metric).collect()
    return float(family.samples[0].value)


def total(metric: Any) -> float:
    """The sum of a counter over its labels."""
    samples = (sample for family in metric.collect() for sample in family.samples)
    return float(sum(sample.value for sample in samples if sample.name.endswith("_total")))
