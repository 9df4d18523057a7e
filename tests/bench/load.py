"""Load on an HTTP door: connections that each send one request after the other, without a pause."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests came to. `seconds`: of every request, until its answer; `wall`: of the run."""

    seconds: Sequence[float]
    wall: float
    refused: int


def requests_of(bodies: Sequence[bytes]) -> list[bytes]:
    """The bodies as whole POST requests."""
    head = "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    return [head.format(len(body)).encode() + body for body in bodies]


def run(port: int, requests: Sequence[bytes], connections: int, count: int) -> Load:
    """Sends `count` requests, the given ones in turn."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, requests, connections, count))


async def _run(port: int, requests: Sequence[bytes], connections: int, count: int) -> Load:
    loop, work = asyncio.get_running_loop(), _Work(requests, count)
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Sender(work), "127.0.0.1", port)
    await work.done.wait()
    return Load(work.seconds, time.perf_counter() - began, work.refused)


class _Work:
    """What is left to send, and what came of what was sent."""

    def __init__(self, requests: Sequence[bytes], count: int) -> None:
        self.requests = requests
        self.left = self.expected = count
        self.seconds: list[float] = []
        self.refused = 0
        self.done = asyncio.Event()

    def answered(self, status: bytes, seconds: float) -> None:
        self.refused += status != b"202"
        self.seconds.append(seconds)
        if len(self.seconds) == self.expected:
            self.done.set()


class _Sender(asyncio.Protocol):
    """One connection. An answer is small enough to come in one piece, or to end in one."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._received = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" in self._received and self._received.endswith(b"\n"):
            self._work.answered(self._received[9:12], time.perf_counter() - self._began)
            self._received = b""
            self._send()

    def _send(self) -> None:
        if not self._work.left:
            self._transport.close()
            return
        self._work.left -= 1
        self._began = time.perf_counter()
        self._transport.write(self._work.requests[self._work.left % len(self._work.requests)])
