"""A response that is always the same: its bytes are made once a second, for the date, not once a request."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web

from bridge.ingress.request import Request


class Constant(web.StreamResponse):
    """Bytes that are ready to be sent, to any number of requests at a time: it holds nothing of a request.

    Of a response aiohttp asks to `prepare` itself for the request, to `write_eof`, and whether to
    `keep_alive` the connection. An ordinary one serves one request and costs several microseconds.
    """

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        super().__init__(status=status, headers=headers)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(text)}", "Date: "]
        self._before_date = "\r\n".join(lines)
        self._after_date = f"\r\n\r\n{text}"
        self._made = (0, b"")  # in which second since the epoch, and its bytes
        self._lasts = headers.get("Connection") != "close"

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on."""
        return self._lasts

    def raw(self) -> bytes:
        """The whole response."""
        second = int(time.time())
        if second != self._made[0]:
            date = formatdate(second, usegmt=True)
            self._made = second, f"{self._before_date}{date}{self._after_date}".encode()
        return self._made[1]

    async def prepare(self, request: Request) -> None:  # type: ignore[override]
        """Sends it. Raises ConnectionResetError where nobody is there any more."""
        transport = request.connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the sender has gone")
        transport.write(self.raw())
        if request.connection.writing_paused:
            await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""
