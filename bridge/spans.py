"""Makes spans with OpenTelemetry's SDK. Imported only where traces are on: see bridge/tracing.py."""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Literal, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AnyValue

from bridge.contract import TRACEPARENT
from bridge.rate_limit import RateLimit
from bridge.tracing import Attributes

MOST_WAITING: Final = 8192  # spans; a batch of the worker ends thousands at once

Kind = Literal["SERVER", "CONSUMER", "PRODUCER"]

log = logging.getLogger(__name__)
log.addFilter(RateLimit())

_W3C: Final = TraceContextTextMapPropagator()
_SDK: Final = logging.getLogger("opentelemetry")


class Span:
    """One step of an event's way. Where the trace is not sampled it only carries the trace on."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> bytes:
        """What those who come after it are told: the header of W3C."""
        of = self._span.get_span_context()
        return b"00-%032x-%016x-%02x" % (of.trace_id, of.span_id, of.trace_flags)

    def note(self, attributes: Attributes) -> None:
        """Adds to what it tells."""
        self._span.set_attributes(_plain(attributes))

    def fail(self, kind: str) -> None:
        """It has failed; `kind` is a word or a type, never a message."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """It is over."""
        self._span.end()


class Tracer:
    """Makes the spans of a process."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("canvas-bridge")
        self._told = _Told(logging.WARNING)
        # Alone, an exporter without its collector would write some lines a second.
        _SDK.propagate = False
        _SDK.addHandler(self._told)

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Attributes) -> Span:
        """A span in the trace of `parent`, a traceparent; where that is none, or invalid, in a new one."""
        context = _W3C.extract({TRACEPARENT: parent}) if parent else Context()
        return Span(self._tracer.start_span(name, context, SpanKind[kind], _plain(attributes)))

    @contextmanager
    def around(self, name: str, kind: Kind, parent: str | None, attributes: Attributes) -> Iterator[Span]:
        """As `start`, around a `with` block: what is `below` in it belongs to it."""
        span = self.start(name, kind, parent, attributes)
        with _at_hand(span._span):
            yield span

    @contextmanager
    def below(self, name: str, kind: Kind, attributes: Attributes) -> Iterator[Span | None]:
        """A span below the one at hand, around a `with` block. None where none is."""
        if not trace.get_current_span().get_span_context().is_valid:
            yield None
            return
        span = self._tracer.start_span(name, None, SpanKind[kind], _plain(attributes))
        with _at_hand(span):
            yield Span(span)

    def note(self, attributes: Attributes) -> None:
        """Adds to what the span at hand tells."""
        Span(trace.get_current_span()).note(attributes)

    def close(self, seconds: float) -> None:
        """Exports what is left, for so long at most."""
        # In a thread, for the SDK would wait for a collector that is away for half a minute.
        ending = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(seconds)
        if ending.is_alive():
            log.warning("the last spans were not exported within %.0f s: they are lost", seconds)
        _SDK.removeHandler(self._told)
        _SDK.propagate = True


def tracer(service: str, exporters: Sequence[str]) -> Tracer:
    """What the OTEL_* variables describe. `service`: its name, where they give none. Raises ValueError."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: service}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    most = None if os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE") else MOST_WAITING
    for name in exporters:
        exporter = OTLPSpanExporter() if name == "otlp" else ConsoleSpanExporter()
        provider.add_span_processor(BatchSpanProcessor(exporter, most))
    return Tracer(provider)


def _plain(attributes: Attributes) -> Mapping[str, AnyValue]:
    return cast("Mapping[str, AnyValue]", attributes)


@contextmanager
def _at_hand(span: trace.Span) -> Iterator[None]:
    # The SDK would record an exception with its message, which may quote the payload.
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            Span(span).fail(type(error).__name__)
            raise


class _Told(logging.Handler):
    """What the SDK has to say, as one line of ours in a while: of an exception its type alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Says it."""
        given = record.args if isinstance(record.args, tuple) else ()
        words = tuple(type(word).__name__ if isinstance(word, BaseException) else word for word in given)
        cause = record.exc_info[0] if record.exc_info else None
        said = str(record.msg) % words if words else str(record.msg)
        log.warning(
            "traces are in trouble, events are not: %s%s", said, f" {cause.__name__}" if cause else ""
        )
