"""One request, as much of it as the webhook asks for."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, StreamReader
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDictProxy

if TYPE_CHECKING:
    from bridge.ingress.connections import Connection


class Request:
    """In the place of aiohttp's own, which for every request asks for its peer, its URL and its scheme too.

    That costs an eighth of all the webhook does. aiohttp's loop wants no more of it than `_task`, `_cancel`
    and `_finish`.
    """

    __slots__ = ("_message", "_task", "connection", "content", "headers", "method", "writer")

    def __init__(
        self,
        message: RawRequestMessage,
        content: StreamReader,
        connection: "Connection",
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> None:
        self._message = message
        self._task = task
        self.connection = connection
        self.content = content
        self.headers: CIMultiDictProxy[str] = message.headers
        self.method = message.method
        self.writer = writer

    @property
    def target(self) -> str:
        """The path and query, as they were sent."""
        return self._message.path

    @property
    def path(self) -> str:
        """The path, decoded."""
        return self._message.url.path

    @property
    def content_length(self) -> int:
        """Bytes of the body as announced; 0 where they are not."""
        return int(self.headers.get("Content-Length", 0))

    @property
    def lasts(self) -> bool:
        """Whether another may follow on this connection; after one of HTTP/1.0 none does."""
        return self._message.version == HttpVersion11 and not self._message.should_close

    def _cancel(self, reason: BaseException) -> None:
        # Nobody is there any more: who reads the body learns it.
        self.content.set_exception(reason)

    def _finish(self) -> None:
        self.connection.finish()
