"""A collector of traces (OTLP over HTTP), which keeps what it is sent."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.integration.door_process import PATIENCE


@dataclass(frozen=True)
class Kept:
    """A span as it arrived."""

    service: str
    name: str
    kind: str
    trace: str
    own: str
    parent: str
    told: dict[str, str]

    @property
    def traceparent(self) -> str:
        """As it stands in a header, without the flags."""
        return f"00-{self.trace}-{self.own}-"


class Collector:
    """`received` are the bytes of each request as they came, `plain` the same inflated."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[bytes] = []
        self.plain: list[bytes] = []
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process send its traces here, soon and packed."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    @property
    def everything(self) -> bytes:
        """All bytes, as they came and inflated."""
        return b"\n".join((*self.received, *self.plain))

    def spans(self) -> list[Kept]:
        """The spans of all requests."""
        return [kept for body in self.plain for kept in _spans_in(body)]

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Answers a request; while `answers` is not set, never."""
        self.asked.set()
        assert (request.method, request.path) == ("POST", "/v1/traces")
        assert request.headers["Content-Encoding"] == "gzip"
        body = b"".join([chunk async for chunk in request.content.iter_any()])
        while not self.answers.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        self.plain.append(body if body[:2] != b"\x1f\x8b" else gzip.decompress(body))
        self.received.append(str(request.headers).encode() + body)
        return web.Response(body=ExportTraceServiceResponse().SerializeToString())


def _spans_in(body: bytes) -> Iterator[Kept]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        of = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                told = {
                    entry.key: entry.value.string_value or str(entry.value.int_value)
                    for entry in span.attributes
                }
                yield Kept(
                    of["service.name"],
                    span.name,
                    Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    told,
                )


async def _start(collector: Collector) -> web.ServerRunner:
    # It inflates by itself: what came over the wire is to be searched too.
    runner = web.ServerRunner(web.Server(collector.take, access_log=None, auto_decompress=False))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback, in a thread of its own."""
    collector, loop = Collector(), asyncio.new_event_loop()
    runner = loop.run_until_complete(_start(collector))
    thread = threading.Thread(target=loop.run_forever, name="collector", daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.answers.set()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
