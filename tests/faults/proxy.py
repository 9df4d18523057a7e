"""Stands before an HTTP server on loopback: what passes can be slowed, changed, refused, or cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

import aiohttp
from aiohttp import web

from bridge.sandbox.engines.ports import free_ports
from tests.faults.own_loop import OwnLoop

Forward = Callable[[bytes], Awaitable[web.Response]]
Meddle = Callable[[web.Request, bytes, Forward], Awaitable[web.Response]]

HOP_BY_HOP: Final = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


async def passing(_: web.Request, body: bytes, forward: Forward) -> web.Response:
    """Changes nothing."""
    return await forward(body)


def slow(seconds: float) -> Meddle:
    """Every answer takes so long more."""

    async def meddle(_: web.Request, body: bytes, forward: Forward) -> web.Response:
        await asyncio.sleep(seconds)
        return await forward(body)

    return meddle


def constant(status: int, body: bytes, content_type: str = "text/html") -> Meddle:
    """Always the same answer; the server behind is not asked."""

    async def meddle(*_: object) -> web.Response:
        return web.Response(status=status, body=body, content_type=content_type)

    return meddle


class Proxy:
    """A proxy on a port of its own, from `__enter__` on. `meddle` and `upstream` may change at any time."""

    def __init__(self, upstream: str) -> None:
        """`upstream`: scheme, host and port."""
        (self._port,) = free_ports(1)
        self.upstream = upstream
        self.meddle: Meddle = passing
        self.url = f"http://127.0.0.1:{self._port}"
        self._loop = OwnLoop("proxy")
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._loop.start()
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.stop()

    def open(self) -> None:
        """Listens."""
        self._loop.run(self._open())

    def close(self) -> None:
        """Nobody listens any more, and open connections are gone; harmless when called again."""
        self._loop.run(self._close())

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        application = web.Application(client_max_size=16 * 1_048_576)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            await self._session.close()
        self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        async def forward(body: bytes) -> web.Response:
            return await self._forward(request, body)

        return await self.meddle(request, await request.read(), forward)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: text for name, text in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            async with self._session.request(
                request.method, self.upstream + request.raw_path, data=body, headers=headers
            ) as answer:
                kept = {name: text for name, text in answer.headers.items() if name.lower() not in HOP_BY_HOP}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except aiohttp.ClientError:
            return web.Response(status=502)
