"""Traces kept in memory, and what is to hold of every span."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from bridge.contract import TRACEPARENT, Headers
from bridge.spans import Tracer
from bridge.tracing import TRACING, Attribute

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{CALLER}-01"
UNSAMPLED = f"00-{TRACE}-{CALLER}-00"
# Neither of them is one of W3C's.
INVALID = (
    "",
    "nonsense",
    f"00-{'0' * 32}-{CALLER}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{CALLER}-01",
    f"00-{TRACE.upper()}-{CALLER}-01",
    f"00-{TRACE}-{CALLER}-01-more",
    f"00-{TRACE}-{CALLER}",
    "0" * 5_000,
)


class Traces:
    """The spans that have ended, in that order."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> list[ReadableSpan]:
        spans = list(self.exporter.get_finished_spans())
        for span in spans:
            assert set(span.attributes or ()) <= set(get_args(Attribute))
            assert not span.events, "an event of a span would hold an exception's message"
            assert span.status.description is None
        return spans

    def told(self) -> list[dict[str, Any]]:
        """What each tells."""
        return [dict(span.attributes or {}) for span in self.spans]


@contextmanager
def tracing_in_memory(sampler: Sampler = DEFAULT_ON) -> Iterator[Traces]:
    """Traces are on inside it."""
    traces = Traces()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(traces.exporter))
    TRACING.tracer = tracer = Tracer(provider)
    try:
        yield traces
    finally:
        TRACING.tracer = None
        tracer.close(30)


def place(span: ReadableSpan) -> tuple[str, str, str | None]:
    """The trace, the span itself, and its parent, as they stand in a traceparent."""
    assert span.context is not None
    parent = f"{span.parent.span_id:016x}" if span.parent else None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def traceparents(headers: Headers) -> list[str]:
    """All headers of that name."""
    return [value.decode() for name, value in headers if name == TRACEPARENT]
