"""The webhook's handling of bodies, load and its own end; over real HTTP, Kafka in memory."""

import asyncio
import gzip
import io
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.ingress.base import DoorBroken
from bridge.ingress.webhook import Webhook
from bridge.metrics import IN_FLIGHT_BYTES, RECEIVED, REFUSED, STORED
from tests.unit.doors import EVENT, MemoryKafka, Running, metric, running, total, until, webhook_settings

LIMIT = 100_000
NESTED = b'{"metadata": {"event_name": "x"}, "body": ' + b"[" * 40_000 + b"]" * 40_000 + b"}"


class Site:
    """A plain webhook at work."""

    def __init__(
        self, door: Webhook, kafka: MemoryKafka, work: Running, client: aiohttp.ClientSession
    ) -> None:
        self.door, self.kafka, self.work, self.client = door, kafka, work, client

    async def post(self, body: Any, **headers: str) -> int:
        url = f"http://127.0.0.1:{self.door.port}/?from=canvas"
        async with self.client.post(url, data=body, headers=headers) as response:
            await response.read()
            return response.status

    async def connect(self, *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door.port)
        writer.write(b"\r\n".join([b"POST / HTTP/1.1", b"Host: x", *lines, b"", b""]))
        return reader, writer


@asynccontextmanager
async def site(**more: Any) -> AsyncIterator[Site]:
    kafka, door = MemoryKafka(), Webhook(webhook_settings(max_body_bytes=LIMIT, **more))
    async with aiohttp.ClientSession() as client, running(door, kafka) as work:
        yield Site(door, kafka, work, client)


async def chunks(body: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps(EVENT),
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b'{"neither": "format"}',
        NESTED,
        b"x" * LIMIT,
        b"eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_plain_content_is_never_the_sender_s_fault(body: bytes) -> None:
    async def go() -> None:
        async with site() as at:
            for content_type in ("application/json", "text/plain", "nonsense"):
                assert await at.post(body, **{"Content-Type": content_type}) == 202
            assert await at.post(chunks(body)) == 202
            assert [record.value for record in at.kafka.records] == [body] * 4
            assert len({record.key for record in at.kafka.records}) == 1

    asyncio.run(go())


def test_the_limit_counts_what_is_read_however_it_is_sent() -> None:
    async def go() -> None:
        async with site() as at:
            over = b"x" * (LIMIT + 1)
            assert await at.post(over) == 413
            assert await at.post(io.BytesIO(b"x" * 2 * 1_048_576)) == 413
            assert await at.post(chunks(over)) == 413
            assert await at.post(gzip.compress(b"x" * 50_000_000), **{"Content-Encoding": "gzip"}) == 413
            assert at.kafka.records == []
            small = orjson.dumps(EVENT)
            assert await at.post(gzip.compress(small), **{"Content-Encoding": "gzip"}) == 202
            assert at.kafka.records[0].value == small

    asyncio.run(go())


def test_expect_100_continue() -> None:
    async def go() -> None:
        async with site() as at:
            reader, writer = await at.connect(b"Content-Length: 2", b"Expect: 100-continue")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"{}")
            assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
            writer.close()
            reader, writer = await at.connect(b"Content-Length: 100001", b"Expect: 100-continue")
            assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
            writer.close()

    asyncio.run(go())


def test_no_answer_before_kafka_has_confirmed() -> None:
    async def go() -> None:
        async with site() as at:
            at.kafka.open.clear()
            posting = asyncio.create_task(at.post(b"{}"))
            await at.kafka.asked.wait()
            await asyncio.sleep(0)
            assert not posting.done()
            at.kafka.open.set()
            assert await posting == 202

    asyncio.run(go())


def test_more_in_flight_than_the_bound_is_refused_and_the_rest_is_stored() -> None:
    async def go() -> None:
        async with site(max_in_flight_bytes=2_000_000) as at:
            before = metric(IN_FLIGHT_BYTES)
            at.kafka.open.clear()
            posts = [asyncio.create_task(at.post(b"%d" % n + b"x" * 90_000)) for n in range(60)]
            async with asyncio.timeout(30):
                while sum(post.done() for post in posts) < 60 - 22:
                    assert metric(IN_FLIGHT_BYTES) - before <= 2_000_000
                    await asyncio.sleep(0.005)
            at.kafka.open.set()
            answers = await asyncio.gather(*posts)
            assert sorted(set(answers)) == [202, 503]
            assert answers.count(202) == len(at.kafka.records) == 22
            assert metric(IN_FLIGHT_BYTES) == before
            assert await at.post(b"x" * LIMIT) == 202

    asyncio.run(go())


def test_all_that_came_is_stored_or_refused() -> None:
    before = metric(RECEIVED, "webhook"), metric(STORED, "webhook"), total(REFUSED)

    async def go() -> None:
        async with site() as at:
            bodies = [orjson.dumps({**EVENT, "n": n}) for n in range(200)] + [b"x" * (LIMIT + 1)] * 20
            answers = await asyncio.gather(*(at.post(body) for body in bodies))
            assert (answers.count(202), answers.count(413)) == (200, 20)
            assert sorted(record.value for record in at.kafka.records) == sorted(bodies[:200])

    asyncio.run(go())
    after = metric(RECEIVED, "webhook"), metric(STORED, "webhook"), total(REFUSED)
    assert [now - then for now, then in zip(after, before, strict=True)] == [220, 200, 20]


def test_a_sender_that_goes_away_in_the_middle_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with site() as at:
            before = metric(REFUSED, "webhook", "body_broken")
            for _ in range(3):
                _, writer = await at.connect(b"Content-Length: 1000")
                writer.write(b"swordfish")
                await writer.drain()
                writer.close()
            await until(lambda: metric(REFUSED, "webhook", "body_broken") == before + 3)
            assert await at.post(b"{}") == 202

    asyncio.run(go())
    assert "swordfish" not in caplog.text


def test_a_sender_that_does_not_wait_for_the_answer_is_stored_all_the_same() -> None:
    async def go() -> None:
        async with site() as at:
            at.kafka.open.clear()
            _, writer = await at.connect(b"Content-Length: 2")
            writer.write(b"{}")
            await at.kafka.asked.wait()
            writer.close()
            await writer.wait_closed()
            at.kafka.open.set()
            await until(lambda: len(at.kafka.records) == 1)

    asyncio.run(go())


@pytest.mark.parametrize(
    "noise", [b"swordfish\r\n\r\n", b"\x16\x03\x01\x02\x00swordfish" * 9, b"GET / HTTP/9.9 \r\n\r\n"]
)
def test_what_is_no_http_is_neither_logged_nor_a_500(noise: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with site() as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at.door.port)
            writer.write(noise)
            assert (await reader.readline()).startswith(b"HTTP/1.0 400 ")
            writer.close()
            assert await at.post(b"{}") == 202

    asyncio.run(go())
    assert "swordfish" not in caplog.text
    assert "Traceback" not in caplog.text


def test_at_the_end_what_is_in_hand_is_answered_and_nothing_new_is_taken() -> None:
    async def go() -> None:
        async with site() as at:
            at.kafka.open.clear()
            posting = asyncio.create_task(at.post(b"{}"))
            await at.kafka.asked.wait()
            at.work.stopping.set()
            await until(lambda: not at.door.ready())
            async with asyncio.timeout(30):
                while await accepts(at.door.port):
                    pass
            assert not posting.done()
            at.kafka.open.set()
            assert await posting == 202
            await at.work.task

    asyncio.run(go())


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    async def go() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            door = Webhook(webhook_settings(port=taken.getsockname()[1]))
            with pytest.raises(DoorBroken, match=r"cannot listen on 127.0.0.1:\d+: .*BRIDGE_WEBHOOK__PORT"):
                async with running(door, MemoryKafka()):
                    pass

    asyncio.run(go())


def test_before_and_after_it_is_not_ready_but_it_lives_while_it_works() -> None:
    async def go() -> None:
        async with site() as at:
            assert at.door.ready()
            assert at.door.live()
            door = at.door
        assert not door.ready()

    asyncio.run(go())
    assert not Webhook(webhook_settings()).ready()


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"accept": "plain"}, "nothing is authenticated"),
        ({"accept": "signed"}, "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS is empty"),
        ({"accept": "signed", "root_account_uuids": "ours"}, ""),
    ],
)
def test_it_says_what_the_settings_leave_open(
    settings: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        door = Webhook(webhook_settings(jwks_url="http://127.0.0.1:9/", **settings))
        stopping = asyncio.Event()
        stopping.set()
        await door.serve(None, stopping)  # type: ignore[arg-type]

    with caplog.at_level(logging.WARNING, "bridge.ingress.webhook"):
        asyncio.run(go())
    said = [record.getMessage() for record in caplog.records if record.name == "bridge.ingress.webhook"]
    assert bool(said) == bool(warning)
    assert warning in "".join(said)
