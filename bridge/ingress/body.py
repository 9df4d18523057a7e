"""Reads a request's body, counting while it comes: never more in memory than allowed."""

import asyncio
from typing import Final

from aiohttp import web

from bridge.ingress.base import Refused
from bridge.ingress.request import Request
from bridge.relay import Room

BODY_SECONDS: Final = 10.0


async def read_body(request: Request, limit: int, room: Room) -> bytes:
    """The whole body, of at most `limit` bytes after decompression.

    Raises Refused: too_large, overloaded, body_timeout, body_broken.
    """
    try:
        if request.content.is_eof():
            return _at_hand(request, limit, room)
        if request.content_length > limit:
            raise Refused("too_large")
        async with asyncio.timeout(BODY_SECONDS):
            await _continue(request)
            return await _read(request, limit, room)
    except TimeoutError:
        raise Refused("body_timeout") from None
    except (web.RequestPayloadError, ConnectionError, ValueError):
        raise Refused("body_broken") from None


def _at_hand(request: Request, limit: int, room: Room) -> bytes:
    # It came with the head, as most do: without a timer, and in one piece.
    content = request.content.read_nowait()
    if len(content) > limit:
        raise Refused("too_large")
    room.grow(len(content))
    return content


async def _continue(request: Request) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # aiohttp would take it for the beginning of the answer


async def _read(request: Request, limit: int, room: Room) -> bytes:
    content = bytearray()
    async for chunk in request.content.iter_any():
        if len(content) + len(chunk) > limit:
            raise Refused("too_large")
        room.grow(len(chunk))
        content += chunk
    return bytes(content)
