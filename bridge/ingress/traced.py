"""The doors with traces: each function gives back what it is given where traces are off."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bridge.contract import TRACEPARENT, Headers
from bridge.tracing import TRACING

if TYPE_CHECKING:
    from aiohttp import web

    from bridge.ingress.base import Refusal
    from bridge.ingress.connections import Handler
    from bridge.ingress.receiver import End
    from bridge.ingress.request import Request
    from bridge.ingress.sqs_queue import Message
    from bridge.relay import Publishing
    from bridge.spans import Tracer

    Store = Callable[[Message, int], Awaitable[End]]

SERVER_ERROR = 500


def traced_requests(handle: "Handler") -> "Handler":
    """A handler with a span around each request. A valid `traceparent` of the request is continued."""
    tracer = TRACING.tracer
    if tracer is None:
        return handle

    async def traced(request: "Request") -> "web.StreamResponse":
        with tracer.around("webhook delivery", "SERVER", request.headers.get(TRACEPARENT), {}) as span:
            response = await handle(request)
            stored = 200 <= response.status < 300
            outcome = "stored" if stored else "refused"
            span.note({"http.response.status_code": response.status, "canvas.outcome": outcome})
            if response.status >= SERVER_ERROR:
                span.fail(str(response.status))
            return response

    return traced


def note_refusal(reason: "Refusal") -> None:
    """Why the request at hand is refused."""
    if TRACING.tracer is not None:
        TRACING.tracer.note({"canvas.reason": reason})


def traced_messages(store: "Store", queue_url: str) -> "Store":
    """One try to store a message, with a span around it."""
    tracer, queue = TRACING.tracer, queue_url.rstrip("/").rpartition("/")[2]
    if tracer is None:
        return store

    async def traced(message: "Message", received_at: int) -> "End":
        with tracer.around(
            f"process {queue}",
            "CONSUMER",
            None,
            {
                "messaging.system": "aws_sqs",
                "messaging.destination.name": queue,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
            },
        ) as span:
            end = await store(message, received_at)
            span.note({"canvas.outcome": end})
            if end != "stored":
                span.fail(end)
            return end

    return traced


def traced_publishing(publishing: "Publishing") -> "Publishing":
    """A Publishing that puts a span around each record, and its `traceparent` into the record's headers."""
    return publishing if TRACING.tracer is None else _TracedPublishing(publishing, TRACING.tracer)


class _TracedPublishing:
    def __init__(self, publishing: "Publishing", tracer: "Tracer") -> None:
        self._publishing = publishing
        self._tracer = tracer

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers, timestamp: int) -> None:
        """Stores one record."""
        with self._tracer.below(
            f"send {topic}",
            "PRODUCER",
            {
                "messaging.system": "kafka",
                "messaging.destination.name": topic,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "cloudevents.event_id": key.decode(),
            },
        ) as span:
            if span is not None:
                headers = (*headers, (TRACEPARENT, span.traceparent))
            await self._publishing.publish(topic, key, value, headers, timestamp)
