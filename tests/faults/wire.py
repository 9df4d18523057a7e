"""The network between a program and the servers it talks to: it can be cut, fall silent, or be slow.

A TCP proxy. The programs are told its ports; where a server tells clients addresses, as Kafka does, it must
tell those (`EngineOptions.listeners`).
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Mapping
from typing import Final, Self, cast

from tests.faults.own_loop import OwnLoop

RESET: Final = struct.pack("ii", 1, 0)  # close without a goodbye: the other side sees a reset


class Wire:
    """Leads from ports of 127.0.0.1 to others, from `__enter__` on."""

    def __init__(self, ways: Mapping[int, int]) -> None:
        """`ways`: the port behind each port."""
        self._ways = ways
        self._loop = OwnLoop("wire")
        self._servers: list[asyncio.Server] = []
        self.links: set[Link] = set()
        self.silent = False
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._loop.start()
        self._loop.run(self._mend())
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.stop()

    @property
    def addresses(self) -> str:
        """Its ports, host:port with commas."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ways)

    def cut(self) -> None:
        """Every connection is reset, and none is taken any more."""
        self._loop.run(self._cut())

    def silence(self) -> None:
        """Connections stay, new ones too, and nothing arrives any more: no byte, and no end."""
        self.silent = True

    def slow(self, seconds: float) -> None:
        """Everything arrives so much later."""
        self.seconds = seconds

    def mend(self) -> None:
        """As it was. A connection that has lost something is reset."""
        self._loop.run(self._mend())

    async def _cut(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        for link in tuple(self.links):
            link.reset()

    async def _mend(self) -> None:
        self.silent, self.seconds = False, 0.0
        for link in tuple(self.links):
            if link.torn:
                link.reset()
        if not self._servers:
            self._servers = [await self._listen(port, behind) for port, behind in self._ways.items()]

    async def _listen(self, port: int, behind: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Link(self, behind).near, "127.0.0.1", port, reuse_address=True
        )


class Link:
    """One connection through a wire: the two sockets of it. `torn`: something of it is lost."""

    def __init__(self, wire: Wire, port: int) -> None:
        self.wire = wire
        self.torn = False
        self.near, self.far = End(self), End(self)
        self._port = port
        self._opening: asyncio.Task[None] | None = None

    def open(self) -> None:
        """The near side is there."""
        self.wire.links.add(self)
        if self.wire.silent:
            self.torn = True
        else:
            self._opening = asyncio.ensure_future(self._open())

    def other(self, end: "End") -> "End":
        """The other one."""
        return self.far if end is self.near else self.near

    def reset(self) -> None:
        """Ends both sides at once."""
        self.wire.links.discard(self)
        if self._opening:
            self._opening.cancel()
        for end in (self.near, self.far):
            end.reset()

    async def _open(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, "127.0.0.1", self._port)
        except OSError:  # nobody listens there
            self.reset()


class End(asyncio.Protocol):
    """One socket of a link. What it receives, the other one sends."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._transport: asyncio.Transport | None = None
        self._made = False
        self._late: deque[tuple[float, bytes | None]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._made = cast("asyncio.Transport", transport), True
        if self is self._link.near:
            self._link.open()
        self._send_due()

    def data_received(self, data: bytes) -> None:
        if self._link.wire.silent:
            self._link.torn = True
        else:
            self._link.other(self).send(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._link.wire.silent:
            self._link.torn = True
        else:
            self._link.other(self).send(None)

    def pause_writing(self) -> None:
        self._link.other(self).hold()

    def resume_writing(self) -> None:
        self._link.other(self).go_on()

    def send(self, data: bytes | None) -> None:
        """Bytes, or the end, in their turn and with the delay of the moment."""
        seconds = self._link.wire.seconds
        if self._made and not seconds and not self._late:
            self._write(data)
            return
        self._late.append((asyncio.get_running_loop().time() + seconds, data))
        if self._made and len(self._late) == 1:
            self._send_later()

    def hold(self) -> None:
        """Reads nothing for now."""
        if self._transport:
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Reads again."""
        if self._transport:
            self._transport.resume_reading()

    def reset(self) -> None:
        """Ends the connection without a goodbye."""
        self._late.clear()
        if self._transport:
            plug = self._transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()

    def _send_later(self) -> None:
        asyncio.get_running_loop().call_at(self._late[0][0], self._send_due)

    def _send_due(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._late and self._late[0][0] <= now:
            self._write(self._late.popleft()[1])
        if self._late:
            self._send_later()

    def _write(self, data: bytes | None) -> None:
        if self._link.wire.silent:
            self._link.torn = True
        elif self._transport is None:
            self._link.wire.links.discard(self._link)
        elif data is None:
            self._transport.close()
        else:
            self._transport.write(data)
