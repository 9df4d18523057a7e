"""Attacks on a webhook at work: each is refused with its reason, and Canvas still comes through."""

import asyncio
import resource

import pytest

from bridge.ingress import body as body_module
from bridge.ingress import crowd as crowd_module
from bridge.ingress.connections import Bounds
from bridge.metrics import CONNECTIONS_REFUSED, REFUSED
from tests.unit.doors import metric, token, until
from tests.unit.webhook_site import LIMIT, Wire, request, run, signed_site, site


def test_a_flood_of_unknown_kids_costs_one_fetch_and_keeps_nobody_waiting() -> None:
    async def go() -> None:
        async with signed_site() as (at, canvas):
            keys = at.door._keys
            assert keys is not None
            keys._fetched_at = float("-inf")  # the cool-down has passed
            kids = [token(headers={"kid": f"kid {n}"}) for n in range(300)]
            answers = await asyncio.gather(*(at.post(body) for body in kids), at.post(token()))
            assert answers == [401] * 300 + [202]
            assert canvas.requests == 2

    run(go())


def test_slow_heads_do_not_keep_canvas_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "SWEEP_SECONDS", 0.01)

    async def go() -> None:
        bounds = Bounds(head_seconds=0.2)
        async with signed_site(bounds, max_connections=50) as (at, _):
            before = metric(CONNECTIONS_REFUSED, "slow_head")
            loris = [await at.wire() for _ in range(50)]
            for wire in loris:
                wire.send(b"POST / HTTP/1.1\r\nX-a: b\r\n")
            await until(lambda: metric(CONNECTIONS_REFUSED, "slow_head") == before + 50)
            assert await at.post(token()) == 202

    run(go())


def test_slow_bodies_do_not_keep_canvas_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "BODY_SECONDS", 0.2)

    async def go() -> None:
        async with signed_site(max_connections=50) as (at, _):
            before = metric(REFUSED, "webhook", "body_timeout")
            loris = [await at.wire() for _ in range(50)]
            for wire in loris:
                wire.send(request(b"x" * 1000)[:-990])
            await until(lambda: metric(REFUSED, "webhook", "body_timeout") == before + 50)
            for wire in loris:
                assert (await wire.rest()).startswith(b"HTTP/1.1 408 ")
            assert await at.post(token()) == 202

    run(go())


def test_many_connections() -> None:
    """As many as the descriptors of a test allow: both ends are in this process."""
    count = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

    async def go() -> None:
        async with signed_site(max_connections=count // 2) as (at, _):
            before = metric(CONNECTIONS_REFUSED, "too_many")
            wires = await asyncio.gather(*(at.wire() for _ in range(count)))
            await until(lambda: metric(CONNECTIONS_REFUSED, "too_many") == before + count - count // 2)
            assert len(at.crowd) == count // 2
            turned_away = [wire for wire in wires if await is_over(wire)]
            assert len(turned_away) == count - count // 2
            inside = next(wire for wire in wires if wire not in turned_away)
            inside.send(request(token()))
            assert await inside.status() == 202
            for wire in wires:
                wire.writer.close()
            await until(lambda: len(at.crowd) == 0)
            assert await at.post(token()) == 202

    run(go())


async def is_over(wire: Wire) -> bool:
    try:
        async with asyncio.timeout(0.01):
            return (await wire.reader.read(12)) == b"HTTP/1.1 503"
    except TimeoutError:
        return False


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
def test_no_other_method(method: str) -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            wire.send(b"%s / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % method.encode())
            assert (await wire.rest()).split()[1] in {b"405", b"400"}
            assert at.kafka.records == []

    run(go())


@pytest.mark.parametrize(
    "path", [b"/..", b"//", b"/%2e", b"/%2f", b"/;a", b"/x", b"*", b"http://else.example.com/x", b"/\xff"]
)
def test_no_other_path(path: bytes) -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            wire.send(request(b"{}", b"Connection: close", path=path))
            assert (await wire.rest()).split()[1] in {b"404", b"400"}
            assert at.kafka.records == []

    run(go())


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"Content-Type: application/json",),
        (b"Content-Type: application/jwt",),
        (b"Content-Type: text/plain",),
        (b"Content-Type: application/x-www-form-urlencoded",),
        (b"Content-Type: multipart/form-data",),
        (b"Content-Type: \xff/;=;",),
        (b"Content-Type: ", b"Accept: image/png"),
        (b"Upgrade: websocket", b"Connection: Upgrade"),
        (b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings"),
    ],
)
def test_no_header_of_the_sender_s_decides(lines: tuple[bytes, ...]) -> None:
    async def go() -> None:
        async with site() as at:
            for size in (2, LIMIT):
                wire = await at.wire()
                wire.send(request(b"x" * size, *lines))
                assert await wire.status() == 202
            assert [len(record.value) for record in at.kafka.records] == [2, LIMIT]

    run(go())
