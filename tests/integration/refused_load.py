"""Deliveries that the webhook refuses, as fast as it answers."""

import asyncio
from typing import Final

from tests.integration.door_process import PATIENCE

CONNECTIONS: Final = 32
REQUEST: Final = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nno token"


def refuse(port: int, count: int) -> None:
    """Returns once so many were answered, each with the same refusal."""
    asyncio.run(asyncio.wait_for(_refuse(port, count), PATIENCE))


async def _refuse(port: int, count: int) -> None:
    each, rest = divmod(count, CONNECTIONS)
    await asyncio.gather(*(_send(port, each + (number < rest)) for number in range(CONNECTIONS)))


async def _send(port: int, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 401"), head
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()
