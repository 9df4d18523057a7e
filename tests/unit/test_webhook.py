"""What the webhook does with bodies and with load; over real HTTP, Kafka in memory."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator

import orjson
import pytest

from bridge.metrics import IN_FLIGHT_BYTES, RECEIVED, REFUSED, STORED
from tests.unit.doors import EVENT, metric, total, until
from tests.unit.webhook_site import LIMIT, site

NESTED = b'{"metadata": {"event_name": "x"}, "body": ' + b"[" * 40_000 + b"]" * 40_000 + b"}"


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


def test_a_body_counts_from_its_first_byte_on() -> None:
    async def go() -> None:
        async with site() as at:
            before = metric(IN_FLIGHT_BYTES)
            _, writer = await at.connect(b"Content-Length: 30")
            for so_far in (10, 20):
                writer.write(b"x" * 10)
                await until(lambda so_far=so_far: metric(IN_FLIGHT_BYTES) == before + so_far)
            writer.close()
            await until(lambda: metric(IN_FLIGHT_BYTES) == before)

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
            assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
            writer.close()
            assert await at.post(b"{}") == 202

    asyncio.run(go())
    assert "swordfish" not in caplog.text
    assert "Traceback" not in caplog.text
