"""A response that is always the same: its bytes are made once, not once a request."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import web


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
        self._before_date = "\r\n".join(lines).encode()
        self._after_date = f"\r\n\r\n{text}".encode()
        self._lasts = headers.get("Connection") != "close"

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on."""
        return self._lasts

    def raw(self) -> bytes:
        """The whole response."""
        return self._before_date + _date() + self._after_date

    async def prepare(self, request: web.BaseRequest) -> None:
        """Sends it. Raises ConnectionResetError where nobody is there any more."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the sender has gone")
        transport.write(self._before_date + _date() + self._after_date)
        await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


class _Clock:
    """The date of HTTP, made once a second."""

    second: int = 0
    text: bytes = b""


_CLOCK: Final = _Clock()


def _date() -> bytes:
    second = int(time.time())
    if second != _CLOCK.second:
        _CLOCK.second, _CLOCK.text = second, formatdate(second, usegmt=True).encode()
    return _CLOCK.text
