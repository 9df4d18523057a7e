"""Bounds what a peer can hold of one connection: the time and size of a request's head, and idleness.

aiohttp bounds each header field and their number, and closes what is idle. What it lacks is here.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web

from bridge.ingress.answers import REFUSALS, TURNED_AWAY, TurnedAway
from bridge.ingress.request import Request
from bridge.metrics import CONNECTIONS_REFUSED

if TYPE_CHECKING:
    from bridge.ingress.crowd import Crowd

HEAD_END: Final = b"\r\n\r\n"
MAX_FIELDS: Final = 64
MAX_FIELD_BYTES: Final = 8190
LINGER_SECONDS: Final = 2.0  # for the rest of a body already refused, so that the sender reads why

Handler = Callable[[Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection may take. A head is a request's line and its header fields."""

    keep_alive_seconds: float = 75.0
    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    close_seconds: float = 5.0


class Connection(web.RequestHandler):
    """One connection. It receives a head, has a request in hand, is idle between requests, or closes.

    The time of that is told by the crowd's clock, which ticks once a sweep: no timer per request.
    """

    __slots__ = ("_closing", "_content", "_crowd", "_head_bytes", "_in_hand", "_receiving", "_since", "_tail")

    def __init__(self, crowd: "Crowd") -> None:
        super().__init__(
            crowd,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            lingering_time=LINGER_SECONDS,
            max_headers=MAX_FIELDS,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
        )
        self._crowd = crowd
        self._content: Any = None  # the latest request's body
        self._in_hand = self._closing = False
        self._begin_head()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts it in; from now on it is expected to send a request."""
        super().connection_made(transport)
        self._begin_head()
        self._crowd.enter(self, cast("asyncio.Transport", transport))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Counts it out."""
        self._crowd.leave(self)
        super().connection_lost(exc)
        self._content = None  # it knows its connection: a ring that only the garbage collector would open

    def data_received(self, data: bytes) -> None:
        """Hands on to aiohttp what is within the bounds. No data: aiohttp itself goes on with what it has."""
        if data and not self._closing:
            if self._in_hand:
                if self._content.is_eof():
                    self._refuse_pipelining(data)
                    return
            elif self._receiving or self._content.is_eof():
                # Before the end of a body whose request is answered comes the rest of it, and no head.
                self._count_head(data)
        if not self._closing:
            super().data_received(data)

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001 - aiohttp's own
        """Resumes what was paused. aiohttp asks for it after every body, and would ask its parser in vain."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def begin(self, request: Request) -> None:
        """A request is in hand: until `finish` its bounds are those of its handler."""
        self._content = request.content
        self._in_hand, self._receiving = True, False

    def finish(self) -> None:
        """The request in hand has its answer."""
        self._in_hand, self._since = False, self._crowd.now

    def handle_error(
        self,
        request: Request,  # type: ignore[override]
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A constant answer where aiohttp would quote what is wrong; nothing is logged."""
        if request.writer.output_size:
            raise ConnectionError("an answer is under way")
        if status >= 500:
            return REFUSALS["internal"].response(request)
        self._crowd.turned_away("malformed")
        response = TURNED_AWAY["malformed"].response(request)
        self.close()
        return response

    def sweep(self, transport: asyncio.Transport, bounds: Bounds) -> None:
        """Ends the connection if it has taken too long."""
        waited = self._crowd.now - self._since
        if self._closing:
            if waited > bounds.close_seconds:
                transport.abort()
        elif self._receiving:
            if waited > bounds.head_seconds:
                self._end("slow_head" if self._head_bytes else None)
        elif not self._in_hand and waited > bounds.keep_alive_seconds:
            self._end(None)

    def _begin_head(self) -> None:
        self._receiving, self._since = True, self._crowd.now
        self._head_bytes: float = 0
        self._tail = b""

    def _count_head(self, data: bytes) -> None:
        if not self._receiving:
            self._begin_head()
        if HEAD_END in data or HEAD_END in self._tail + data[:3]:
            self._head_bytes = -math.inf  # complete: what follows is no head
            return
        self._tail = data[-3:]
        self._head_bytes += len(data)
        if self._head_bytes > self._crowd.bounds.head_bytes:
            self._end("large_head")

    def _refuse_pipelining(self, data: bytes) -> None:
        # Another request before the answer to this one. No sender known does it, and it would let one
        # connection pile up requests; HTTP lets a server close after an answer instead.
        if data.strip(b"\r\n"):
            CONNECTIONS_REFUSED.labels("pipelined").inc()
            self.close()

    def _end(self, reason: TurnedAway | None) -> None:
        """Closes, with the reason's answer. Without a reason in silence: who sent nothing asked nothing."""
        if reason and self.transport is not None:
            self._crowd.turned_away(reason)
            self.transport.write(TURNED_AWAY[reason].last_words())
        self._closing, self._since = True, self._crowd.now
        self.force_close()
