"""A webhook at work, and what posts to it: a client that is one, and bytes as anybody may send them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import uvloop

from bridge.ingress.connections import Bounds
from bridge.ingress.crowd import Crowd
from bridge.ingress.webhook import Webhook
from tests.unit.doors import (
    ACCOUNT,
    JwksServer,
    MemoryKafka,
    Running,
    running,
    serving_jwks,
    webhook_settings,
)

LIMIT = 100_000
PATH = "/?from=canvas"


class Wire:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    async def status(self) -> int:
        """Of the next answer, read with its body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
        await self.reader.readexactly(int(fields[b"content-length"]))
        return int(head.split()[1])

    async def rest(self) -> bytes:
        """What comes until the other side has closed."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


class Site:
    """A webhook at work, plain where nothing else is said."""

    def __init__(
        self, door: Webhook, kafka: MemoryKafka, work: Running, client: aiohttp.ClientSession
    ) -> None:
        self.door, self.kafka, self.work, self.client = door, kafka, work, client
        self.wires: list[Wire] = []

    @property
    def crowd(self) -> Crowd:
        assert self.door._crowd is not None
        return self.door._crowd

    async def post(self, body: Any, path: str = PATH, /, **headers: str) -> int:
        url = f"http://127.0.0.1:{self.door.port}{path}"
        async with self.client.post(url, data=body, headers=headers) as response:
            await response.read()
            return response.status

    async def wire(self, tls: ssl.SSLContext | None = None) -> Wire:
        """A new connection; it is closed at the end of the site."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.door.port, ssl=tls))
        self.wires.append(wire)
        return wire

    async def connect(self, *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        wire = await self.wire()
        wire.send(b"\r\n".join([b"POST / HTTP/1.1", b"Host: x", *lines, b"", b""]))
        return wire.reader, wire.writer


def request(body: bytes = b"{}", *lines: bytes, path: bytes = b"/") -> bytes:
    """The bytes of a delivery."""
    head = [b"POST %s HTTP/1.1" % path, b"Host: x", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def run(work: Coroutine[Any, Any, None]) -> None:
    """In the event loop that the command runs in."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


@asynccontextmanager
async def site(bounds: Bounds | None = None, **more: Any) -> AsyncIterator[Site]:
    kafka, door = MemoryKafka(), Webhook(webhook_settings(**{"max_body_bytes": LIMIT, **more}))
    async with aiohttp.ClientSession() as client, running(door, kafka) as work:
        at = Site(door, kafka, work, client)
        if bounds:
            at.crowd.bounds = bounds
        try:
            yield at
        finally:
            for wire in at.wires:
                wire.writer.close()


@asynccontextmanager
async def signed_site(bounds: Bounds | None = None, **more: Any) -> AsyncIterator[tuple[Site, JwksServer]]:
    """A webhook that takes signed deliveries alone, and Canvas's keys."""
    settings = {"accept": "signed", "root_account_uuids": ACCOUNT, **more}
    async with serving_jwks() as canvas, site(bounds, jwks_url=canvas.url, **settings) as at:
        yield at, canvas
