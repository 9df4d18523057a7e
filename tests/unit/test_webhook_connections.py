"""What one peer can hold: the time and size of a head, idleness, the number of connections."""

import asyncio
import socket

import pytest

from bridge.ingress import crowd as crowd_module
from bridge.ingress.connections import MAX_FIELDS, Bounds
from bridge.metrics import CONNECTIONS_REFUSED
from tests.unit.doors import metric, until
from tests.unit.webhook_site import LIMIT, Site, request, run, site

SHORT = Bounds(keep_alive_seconds=600, head_seconds=0.05)


@pytest.fixture(autouse=True)
def _quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "SWEEP_SECONDS", 0.01)


async def swept(at: Site, seconds: float = 0.2) -> None:
    """Waits until the crowd's clock has gone on by more than the short bounds."""
    then = at.crowd.now + seconds
    await until(lambda: at.crowd.now > then)


def turned_away(reason: str) -> float:
    return metric(CONNECTIONS_REFUSED, reason)


def test_a_head_that_does_not_come_to_its_end_is_ended() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            before = turned_away("slow_head")
            wire = await at.wire()
            wire.send(b"POST / HTTP/1.1\r\nHost: x\r\n")
            assert (await wire.rest()).startswith(b"HTTP/1.1 408 ")
            assert turned_away("slow_head") == before + 1
            await until(lambda: len(at.crowd) == 0)

    run(go())


def test_bytes_that_trickle_buy_no_time() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            before = turned_away("slow_head")
            wire = await at.wire()
            wire.send(b"POST / HTTP/1.1\r\nX: ")
            async with asyncio.timeout(30):
                while turned_away("slow_head") == before:
                    wire.send(b"x")
                    await asyncio.sleep(0.005)
            await wire.rest()

    run(go())


def test_who_connects_and_says_nothing_is_left_without_a_word() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            before = turned_away("slow_head")
            wire = await at.wire()
            assert await wire.rest() == b""
            assert turned_away("slow_head") == before

    run(go())


def test_the_time_of_a_head_is_neither_that_of_idleness_nor_of_a_body_nor_of_kafka() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            wire = await at.wire()
            wire.send(request())
            assert await wire.status() == 202
            await swept(at)
            wire.send(request()[:-1])
            await swept(at)
            at.kafka.open.clear()
            at.kafka.asked.clear()
            wire.send(b"}")
            await at.kafka.asked.wait()
            await swept(at)
            at.kafka.open.set()
            assert await wire.status() == 202
            assert len(at.kafka.records) == 2

    run(go())


def test_the_second_request_of_a_connection_has_no_more_time_than_the_first() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            wire = await at.wire()
            wire.send(request())
            assert await wire.status() == 202
            wire.send(b"POST / HTTP/1.1\r\n")
            assert (await wire.rest()).startswith(b"HTTP/1.1 408 ")

    run(go())


def test_the_rest_of_a_refused_body_is_no_head() -> None:
    async def go() -> None:
        async with site(SHORT) as at:
            wire = await at.wire()
            wire.send(request(b"x" * (LIMIT + 10))[:-10])
            assert await wire.status() == 413
            wire.send(b"x" * 10)
            await swept(at)
            wire.send(request())
            assert await wire.status() == 202

    run(go())


def test_an_idle_connection_is_closed() -> None:
    async def go() -> None:
        async with site(Bounds(keep_alive_seconds=0.05)) as at:
            wire = await at.wire()
            wire.send(request())
            assert await wire.status() == 202
            assert await wire.rest() == b""

    run(go())


def test_a_peer_that_reads_no_answers_is_cut_off() -> None:
    # It sends on and on, so that answers fill the buffers of both sides.
    async def go() -> None:
        async with site(Bounds(0.05, head_seconds=0.05, close_seconds=0.05)) as at:
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            peer.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(peer, ("127.0.0.1", at.door.port))
            await until(lambda: len(at.crowd._open) == 1)
            (transport,) = at.crowd._open.values()
            transport.write(b"x" * 8_000_000)  # as many answers as a patient attacker asks for
            await until(lambda: len(at.crowd) == 0)
            peer.close()

    run(go())


def test_a_peer_that_reads_no_answers_gets_no_more_of_its_requests_taken() -> None:
    async def go() -> None:
        async with site(Bounds(0.2, close_seconds=0.05)) as at:
            wire = await at.wire()
            await until(lambda: len(at.crowd._open) == 1)
            (transport,) = at.crowd._open.values()
            transport.write(b"x" * 32_000_000)  # the answers it has not read
            wire.send(request(b"1"))
            await until(lambda: len(at.kafka.records) == 1)
            wire.send(request(b"2"))
            await until(lambda: len(at.crowd) == 0)
            assert [record.value for record in at.kafka.records] == [b"1"]

    run(go())


@pytest.mark.parametrize("field", [b"X: " + b"x" * 9000, b"x" * 9000 + b": x"])
def test_a_field_too_large(field: bytes) -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            wire.send(request(b"{}", field))
            assert (await wire.rest()).startswith(b"HTTP/1.1 400 ")
            assert at.kafka.records == []

    run(go())


def test_fields_too_many() -> None:
    async def go() -> None:
        async with site() as at:
            for count, status in ((MAX_FIELDS - 2, b"202"), (MAX_FIELDS, b"400")):
                wire = await at.wire()
                wire.send(request(b"{}", b"Connection: close", *[b"X%d: x" % n for n in range(count - 1)]))
                assert (await wire.rest()).split()[1] == status

    run(go())


def test_a_head_too_large_though_each_field_is_small() -> None:
    async def go() -> None:
        async with site() as at:
            before = turned_away("large_head")
            wire = await at.wire()
            wire.send(b"POST / HTTP/1.1\r\nHost: x\r\n")
            for n in range(10):
                wire.send(b"X%d: %s\r\n" % (n, b"x" * 8000))
            assert (await wire.rest()).startswith(b"HTTP/1.1 431 ")
            assert turned_away("large_head") == before + 1

    run(go())


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_the_end_of_a_head_is_seen_though_it_comes_in_two_parts(cut: int) -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            head, body = request(b"x" * 90_000).split(b"\r\n\r\n")
            whole = head + b"\r\n\r\n"
            wire.send(whole[:-cut])
            await until(lambda: all(c._head_bytes for c in at.crowd._open))
            wire.send(whole[-cut:] + body[:50_000])
            wire.send(body[50_000:])
            assert await wire.status() == 202

    run(go())


def test_a_request_before_the_answer_to_the_last_is_not_taken() -> None:
    async def go() -> None:
        async with site() as at:
            before = turned_away("pipelined")
            at.kafka.open.clear()
            wire = await at.wire()
            wire.send(request(b"1"))
            await at.kafka.asked.wait()
            wire.send(request(b"2"))
            await until(lambda: turned_away("pipelined") == before + 1)
            at.kafka.open.set()
            answers = await wire.rest()
            assert answers.count(b"HTTP/1.1 202 ") == 1
            assert [record.value for record in at.kafka.records] == [b"1"]

    run(go())


def test_an_empty_line_behind_a_body_is_no_request() -> None:
    # Some senders end a body so.
    async def go() -> None:
        async with site() as at:
            at.kafka.open.clear()
            wire, other = await at.wire(), await at.wire()
            wire.send(request(b"1"))
            await at.kafka.asked.wait()
            wire.send(b"\r\n")
            other.send(b"noise\r\n\r\n")
            assert b" 400 " in await other.rest()  # so the line was read as well
            at.kafka.open.set()
            assert await wire.status() == 202
            wire.send(request(b"2"))
            assert await wire.status() == 202

    run(go())
