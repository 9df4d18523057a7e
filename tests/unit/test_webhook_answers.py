"""The webhook's table of answers: each row is provoked at a door that runs, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest

from bridge.ingress import body as body_module
from bridge.ingress.answers import ACCEPTED, REFUSALS, Answer
from bridge.ingress.base import Refusal
from bridge.ingress.constant import Constant
from bridge.ingress.jwks import parse_keys
from bridge.ingress.request import Request
from bridge.ingress.webhook import Webhook
from bridge.metrics import RECEIVED, REFUSED, STORED
from tests.unit.doors import (
    ACCOUNT,
    EVENT,
    KID,
    JwksServer,
    MemoryKafka,
    Running,
    jwk,
    jwks,
    metric,
    running,
    serving_jwks,
    token,
    total,
    webhook_settings,
)

LIMIT = 100_000
SECRET = "swordfish"  # stands in every body: neither a log nor an answer may hold it


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Scene:
    """A signed webhook at work, with its Kafka and Canvas's keys."""

    door: Webhook
    kafka: MemoryKafka
    canvas: JwksServer
    work: Running
    client: aiohttp.ClientSession

    async def send(self, body: Any = None, path: str = "/canvas", method: str = "POST") -> Reply:
        url = f"http://127.0.0.1:{self.door.port}{path}"
        async with self.client.request(method, url, data=body) as response:
            return Reply(response.status, await response.text(), dict(response.headers))


@asynccontextmanager
async def scene(jwks_url: str | None = None) -> AsyncIterator[Scene]:
    kafka = MemoryKafka()
    async with serving_jwks() as canvas, aiohttp.ClientSession() as client:
        door = Webhook(
            webhook_settings(
                accept="signed",
                jwks_url=jwks_url or canvas.url,
                path="/canvas",
                max_body_bytes=LIMIT,
                root_account_uuids=ACCOUNT,
                secret="right-swordfish-1",
            )
        )
        async with running(door, kafka) as work:
            yield Scene(door, kafka, canvas, work, client)


Provocation = Callable[[Scene], Awaitable[Reply]]


def event(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {**EVENT["metadata"], **metadata}, "body": {"password": SECRET}}


def sends(body: bytes) -> Provocation:
    return lambda at: at.send(body)


async def too_slow(at: Scene) -> Reply:
    async def body() -> AsyncIterator[bytes]:
        yield SECRET.encode()
        await asyncio.Event().wait()

    return await at.send(body())


async def badly_chunked(at: Scene) -> Reply:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.door.port)
    writer.write(b"POST /canvas HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n")
    writer.write(SECRET.encode())
    head, _, text = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    lines = head.decode().split("\r\n")
    return Reply(int(lines[0].split()[1]), text.decode(), dict(line.split(": ", 1) for line in lines[1:]))


async def above_the_bound(at: Scene) -> Reply:
    with at.work.relay.room() as room:
        room.grow(at.door.max_in_flight_bytes - 10)
        return await at.send(token(event()))


async def during_an_outage(at: Scene) -> Reply:
    at.kafka.fail()
    return await at.send(token(event()))


async def with_a_fault(at: Scene) -> Reply:
    at.kafka.fail(RuntimeError(SECRET))
    return await at.send(token(event()))


async def without_keys(at: Scene) -> Reply:
    keys = at.door._keys
    assert keys is not None
    keys._keys.clear()
    keys._reached = False
    return await at.send(token(event()))


PROVOCATIONS: dict[Refusal, Provocation] = {
    "algorithm": sends(b"eyJhbGciOiJub25lIn0.e30."),
    "body_broken": badly_chunked,
    "body_timeout": too_slow,
    "expired": sends(token(event(), exp=1)),
    "header": sends(token(event(), headers={"kid": None})),
    "internal": with_a_fault,
    "issuer": sends(token(event(), iss="https://elsewhere.example.com")),
    "keys_unavailable": without_keys,
    "method": lambda at: at.send(method="PUT", body=token(event())),
    "not_a_token": sends(SECRET.encode()),
    "not_stored": during_an_outage,
    "not_yet_valid": sends(token(event(), iat=9_999_999_999)),
    "overloaded": above_the_bound,
    "path": lambda at: at.send(token(event()), path="/canvas/"),
    "root_account": sends(token(event(root_account_uuid="another"))),
    "secret": lambda at: at.send(token(event()), path="/canvas/a-wrong-swordfish"),
    "signature": sends(token(event(), key="stranger")),
    "too_large": sends(token(event(x="x" * LIMIT))),
    "unknown_key": sends(token(event(), headers={"kid": "2019-10-01T21:08:45Z"})),
}
DOCUMENTED: dict[Refusal, tuple[int, str | None, str | None]] = {
    "algorithm": (401, "WWW-Authenticate", None),
    "body_broken": (400, None, None),
    "body_timeout": (408, "Connection", "close"),
    "expired": (401, "WWW-Authenticate", None),
    "header": (401, "WWW-Authenticate", None),
    "internal": (503, "Retry-After", "10"),
    "issuer": (401, "WWW-Authenticate", None),
    "keys_unavailable": (503, "Retry-After", "10"),
    "method": (405, "Allow", "POST"),
    "not_a_token": (401, "WWW-Authenticate", None),
    "not_stored": (503, "Retry-After", "10"),
    "not_yet_valid": (401, "WWW-Authenticate", None),
    "overloaded": (503, "Retry-After", "10"),
    "path": (404, None, None),
    "root_account": (401, "WWW-Authenticate", None),
    "secret": (404, None, None),
    "signature": (401, "WWW-Authenticate", None),
    "too_large": (413, None, None),
    "unknown_key": (401, "WWW-Authenticate", None),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_row(reason: Refusal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    if reason == "body_timeout":
        monkeypatch.setattr(body_module, "BODY_SECONDS", 0.05)
    counts = metric(RECEIVED, "webhook"), metric(REFUSED, "webhook", reason), total(REFUSED)

    async def go() -> tuple[Reply, Reply]:
        async with scene() as at:
            reply = await PROVOCATIONS[reason](at)
            assert at.kafka.records == []
            at.kafka.failing = None
            at.door._keys._keys = parse_keys(at.canvas.answer[1])  # type: ignore[union-attr]
            return reply, await at.send(token())

    reply, next_one = asyncio.run(go())
    status, header, value = DOCUMENTED[reason]
    assert (reply.status, reply.text) == (status, REFUSALS[reason].text + "\n")
    assert header is None or reply.headers[header] == (value or reply.headers[header])
    assert next_one.status == 202, "a refused request leaves the door as it was"
    assert metric(RECEIVED, "webhook") == counts[0] + 2
    assert (metric(REFUSED, "webhook", reason), total(REFUSED)) == (counts[1] + 1, counts[2] + 1)
    assert SECRET not in caplog.text + str(reply)


def test_all_that_a_stranger_learns_is_that_he_is_one() -> None:
    assert len({(row.text, str(row.headers)) for row in REFUSALS.values() if row.status == 401}) == 1


def test_an_answer_to_nobody_is_a_lost_connection_and_no_fault() -> None:
    request = Mock(Request, connection=Mock(transport=None))
    with pytest.raises(ConnectionResetError):
        asyncio.run(Constant(202, {}, "accepted\n").prepare(request))


def test_there_is_no_500_and_every_row_is_small_and_explained() -> None:
    rows: list[Answer] = [ACCEPTED, *REFUSALS.values()]
    assert all(row.status != 500 and len(row.text) < 40 and row.meaning.endswith(".") for row in rows)
    assert all("Retry-After" in row.headers for row in rows if row.status == 503)


def test_a_signed_event_is_accepted_with_the_facts_of_its_signature() -> None:
    stored = metric(STORED, "webhook")

    async def go() -> MemoryKafka:
        async with scene() as at:
            for body in (token(), b'"' + token() + b'"'):
                reply = await at.send(body)
                assert (reply.status, reply.text) == (202, "accepted\n")
            return at.kafka

    kafka = asyncio.run(go())
    first, second = kafka.records
    assert (first.value, first.key) == (second.value, second.key)
    assert first.header("ce_source") == "/canvas-bridge/webhook"
    assert first.header("canvas.signature.kid") == KID
    assert first.header("canvas.signature.alg") == "RS256"
    (key,) = parse_keys(jwks(jwk("canvas"))).values()
    assert first.header("canvas.signature.key_thumbprint") == key.thumbprint
    assert (first.header("canvas.signature.verified_at") or "") >= (first.header("ce_time") or "z")
    assert metric(STORED, "webhook") == stored + 2
