"""A plain webhook at work, and what posts to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bridge.ingress.webhook import Webhook
from tests.unit.doors import MemoryKafka, Running, running, webhook_settings

LIMIT = 100_000


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
