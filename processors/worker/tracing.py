"""Traces through the hot hop: a span for each raw record whose trace is sampled, until Kafka has its records.

The typed, unknown and dead letter records carry the span's `traceparent`. Where the trace is not sampled they
carry that of the raw record, so that the decision of the door stands to the end, and no span is made: that is
what most records cost where few are sampled. A raw record without a valid one starts no trace.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bridge.contract import TRACEPARENT, RawEvent
from bridge.tracing import TRACING
from processors.catalogue import Catalogue
from processors.fan_out import FanOut
from processors.pipeline import Pipeline
from processors.privacy.protect import Protection
from processors.records import Outcome, OutgoingRecord
from processors.worker.app import Processing
from processors.worker.batches import Batch
from processors.worker.delivery.base import BatchDelivery, NotDelivered

if TYPE_CHECKING:
    from bridge.spans import Span, Tracer
    from bridge.tracing import Attribute, Attributes

SAMPLED: Final = 1
# Version 00 of W3C Trace Context, as the doors write it; the ids may not be zero.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def traced_pipeline(catalogue: Catalogue, fan_out: FanOut, protection: Protection | None) -> Pipeline:
    """The stages, with traces where they are on."""
    if TRACING.tracer is None:
        return Pipeline(catalogue, fan_out, protection)
    return TracedPipeline(TRACING.tracer, catalogue, fan_out, protection)


def traced_delivery(delivery: BatchDelivery, pipeline: Pipeline) -> BatchDelivery:
    """A delivery that ends the spans that the pipeline has begun, where it begins any."""
    return TracedDelivery(delivery, pipeline) if isinstance(pipeline, TracedPipeline) else delivery


def traced_run(run: Processing, pipeline: Pipeline) -> Processing:
    """A run that leaves no span of a batch behind."""
    return TracedRun(run, pipeline) if isinstance(pipeline, TracedPipeline) else run


class TracedPipeline(Pipeline):
    """Begins a span for each sampled record; `settle` ends them."""

    def __init__(
        self, tracer: "Tracer", catalogue: Catalogue, fan_out: FanOut, protection: Protection | None = None
    ) -> None:
        super().__init__(catalogue, fan_out, protection)
        self._tracer = tracer
        self._begun: list[Span] = []

    def run(self, raw: RawEvent) -> list[Outcome]:
        """As of Pipeline."""
        parent = raw.header(TRACEPARENT)
        found = _TRACEPARENT.fullmatch(parent) if parent else None
        if parent is None or found is None:
            return super().run(raw)
        if not int(found[1], 16) & SAMPLED:
            return _carrying(super().run(raw), parent.encode())
        topic = raw.position.topic if raw.position else "raw"
        span = self._tracer.start(f"process {topic}", "CONSUMER", parent, _whereof(raw))
        self._begun.append(span)
        outcomes = super().run(raw)
        span.note(_became(outcomes))
        return _carrying(outcomes, span.traceparent)

    def settle(self, failure: str | None = None) -> None:
        """Ends the spans of a batch: it is delivered, or for a failure of that type it is not."""
        begun, self._begun = self._begun, []
        for span in begun:
            if failure is not None:
                span.fail(failure)
            span.end()


class TracedDelivery:
    """A BatchDelivery around another."""

    def __init__(self, delivery: BatchDelivery, pipeline: TracedPipeline) -> None:
        self._delivery = delivery
        self._pipeline = pipeline

    def open(self) -> None:
        """See BatchDelivery."""
        self._delivery.open()

    def deliver(self, records: Iterable[OutgoingRecord], batch: Batch) -> None:
        """See BatchDelivery. `records` come from the pipeline while they are taken."""
        try:
            self._delivery.deliver(records, batch)
        except BaseException as error:
            self._pipeline.settle(type(error).__name__)
            raise
        self._pipeline.settle()

    def close(self) -> None:
        """See BatchDelivery."""
        self._delivery.close()


class TracedRun:
    """A Processing around another."""

    def __init__(self, run: Processing, pipeline: TracedPipeline) -> None:
        self._run = run
        self._pipeline = pipeline

    def open(self) -> None:
        """See Processing."""
        self._run.open()

    def process(self, batch: Batch) -> None:
        """See Processing. A batch may be given up before anything of it is handed to the delivery."""
        try:
            self._run.process(batch)
        finally:
            self._pipeline.settle(NotDelivered.__name__)

    def close(self) -> None:
        """See Processing."""
        self._run.close()


def _carrying(outcomes: list[Outcome], traceparent: bytes) -> list[Outcome]:
    # Of two headers of a name the last counts: a dead letter keeps all that it had.
    for outcome in outcomes:
        outgoing = outcome.outgoing
        headers = (*outgoing.headers, (TRACEPARENT, traceparent))
        outcome.outgoing = replace(outgoing, headers=headers)
    return outcomes


def _whereof(raw: RawEvent) -> "Attributes":
    attributes: dict[Attribute, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
    }
    if raw.position:
        attributes["messaging.destination.name"] = raw.position.topic
        attributes["messaging.destination.partition.id"] = str(raw.position.partition)
        attributes["messaging.kafka.offset"] = raw.position.offset
    identity = _uuid(raw.key)
    if identity:
        attributes["cloudevents.event_id"] = identity
    return attributes


def _uuid(key: bytes | None) -> str | None:
    # Whoever may write to the raw topic may give a record any key.
    try:
        return str(UUID((key or b"").decode()))
    except ValueError:
        return None


def _became(outcomes: list[Outcome]) -> "Attributes":
    """Of a delivery with several events what became of the first, or of the first that failed."""
    told = next((outcome for outcome in outcomes if outcome.failure), outcomes[0])
    if told.failure:
        return {"canvas.outcome": "dead_letter", "canvas.reason": told.failure.reason.value}
    if told.event is None or told.event.event_name is None:
        return {"canvas.outcome": "unknown"}
    return {"canvas.outcome": "typed", "canvas.event_name": told.event.event_name}
