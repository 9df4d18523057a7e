"""One request as two: what two readers could read in two ways is refused, and the rest unread."""

import pytest

from bridge.metrics import CONNECTIONS_REFUSED
from tests.unit.doors import metric
from tests.unit.webhook_site import request, run, site

HOST = b"POST / HTTP/1.1\r\nHost: x\r\n"
HIDDEN = b"POST /hidden HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nswordfish"

AMBIGUOUS = {
    "length and transfer coding": HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer coding and length": HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HOST + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    "the same length twice": HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": HOST + b"Content-Length: 2, 5\r\n\r\n{}",
    "a signed length": HOST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": HOST + b"Content-Length: -2\r\n\r\n{}",
    "a hexadecimal length": HOST + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": HOST + b"Content-Length: \r\n\r\n{}",
    "a length beyond 64 bits": HOST + b"Content-Length: 18446744073709551618\r\n\r\n{}",
    "an unknown transfer coding": HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": HOST + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a folded transfer coding": HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a line that begins with a space": HOST + b" Content-Length: 2\r\n\r\n{}",
    "a bare carriage return": HOST + b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "bare line feeds": b"POST / HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}",
    "a nul": HOST + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "a name with a space": HOST + b"Content Length: 2\r\n\r\n{}",
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "two hosts": HOST + b"Host: y\r\nContent-Length: 2\r\n\r\n{}",
    "another version": b"POST / HTTP/2.0\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "no version": b"POST /\r\n\r\n",
    "a method that is none": b"PO:ST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_nothing_after_it_is_read(name: str) -> None:
    async def go() -> None:
        async with site() as at:
            before = metric(CONNECTIONS_REFUSED, "malformed")
            wire = await at.wire()
            wire.send(AMBIGUOUS[name], HIDDEN, request())
            answer = await wire.rest()
            assert answer.count(b"HTTP/1.") == 1
            assert answer.split()[1] == b"400"
            assert answer.endswith(b"\r\n\r\nbad request\n")
            assert b"swordfish" not in answer
            assert at.kafka.records == []
            assert metric(CONNECTIONS_REFUSED, "malformed") == before + 1
            assert await at.post(b"{}") == 202

    run(go())


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"2;\r\n{}x0\r\n\r\n",
        b"2\n{}\r\n0\r\n\r\n",
        b"2\r\n{}00\r\n\r\n",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_chunk_ends_the_connection(body: bytes) -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            wire.send(HOST, b"Transfer-Encoding: chunked\r\n\r\n", body, HIDDEN)
            answer = await wire.rest()
            assert b" 202 " not in answer
            assert b" 404 " not in answer, "the request behind it was read"
            assert at.kafka.records == []

    run(go())


def test_what_follows_a_body_is_the_next_request_and_not_part_of_it() -> None:
    async def go() -> None:
        async with site() as at:
            wire = await at.wire()
            wire.send(request(b"1"), request(b"2"), HIDDEN)
            assert [await wire.status() for _ in range(3)] == [202, 202, 404]
            assert [record.value for record in at.kafka.records] == [b"1", b"2"]

    run(go())
