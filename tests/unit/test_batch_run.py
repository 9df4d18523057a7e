"""A batch on its way: what is counted, and that a failure of any kind only means: again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge.contract import Position, RawEvent
from processors.failures import Failure, Reason, Stage
from processors.metrics import ABORTED_BATCHES, DEAD_LETTERED
from processors.patience import Patience
from processors.records import CanonicalEvent, Outcome, OutgoingRecord
from processors.settings import DeadLetterLimitSettings
from processors.worker.batch_run import BatchRun, Memory
from processors.worker.batches import Batch, Sighting
from processors.worker.dead_letter_limit import DeadLetterLimit
from processors.worker.delivery.base import NotDelivered
from processors.worker.duplicates import DuplicateWindow
from processors.worker.raw_source import Evicted


class Source:
    def __init__(self) -> None:
        self.ours = True
        self.settled: list[Batch] = []
        self.went_back = 0

    @contextmanager
    def holding(self, _: Batch) -> Iterator[bool]:
        yield self.ours

    def settle(self, batch: Batch) -> None:
        self.settled.append(batch)

    def go_back(self) -> None:
        self.went_back += 1


class Delivery:
    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.delivered: list[OutgoingRecord] = []

    def deliver(self, records: Iterable[OutgoingRecord], _: Batch) -> None:
        taken = list(records)
        if self.failures:
            raise self.failures.pop(0)
        self.delivered += taken


class Pipeline:
    """Every event is typed, but `bad` is dead-lettered, `odd` is unknown, and `defect` raises."""

    def run(self, raw: RawEvent) -> list[Outcome]:
        if raw.value == b"defect":
            raise ZeroDivisionError
        outgoing = OutgoingRecord("canvas.x", raw.key, raw.value, (), 0)
        if raw.value == b"bad":
            return [Outcome(raw, outgoing, failure=Failure(Stage.VALIDATE, Reason.INVALID_JSON, "bad"))]
        name = None if raw.value == b"odd" else "course_updated"
        return [Outcome(raw, outgoing, CanonicalEvent(name, "k", {}))]


class Site:
    def __init__(self, limit: DeadLetterLimitSettings | None = None) -> None:
        self.source, self.delivery, self.patience = Source(), Delivery(), Patience()
        self.waits: list[int] = []
        self.patience.wait = self._wait  # type: ignore[method-assign]
        self.limit = DeadLetterLimit(limit or DeadLetterLimitSettings())
        memory = Memory(DuplicateWindow(60), self.limit)
        parts: Any = (self.source, memory, Pipeline(), self.delivery, self.patience)
        self.run = BatchRun(*parts)

    def _wait(self, attempt: int) -> bool:
        self.waits.append(attempt)
        return True


@pytest.fixture
def site() -> Site:
    return Site()


def batch(*values: bytes) -> Batch:
    live = [
        RawEvent(value, value + b"%d" % index, (), 0, Position("canvas.raw", 0, index))
        for index, value in enumerate(values)
    ]
    return Batch("canvas.raw", 0, 0, (), live, {0: len(live)}, {0: len(live)}, None)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"canvas_processors_{name}_total", labels) or 0


def test_everything_of_a_batch_is_counted_once_it_is_confirmed(site: Site) -> None:
    def counts() -> tuple[float, ...]:
        return (
            counted("raw_records"),
            counted("typed_records", event_name="course_updated"),
            counted("unknown_records"),
            counted("dead_lettered", reason="invalid_json"),
            counted("duplicates"),
            counted("batches"),
        )

    before, mixed = counts(), batch(b"good", b"odd", b"bad")
    site.delivery.failures = [NotDelivered("away")]
    site.run.process(mixed)
    assert counts() == before
    site.run.process(mixed)
    site.run.process(mixed)
    assert [now - then for then, now in zip(before, counts(), strict=True)] == [6, 1, 1, 1, 3, 2]
    assert len(site.delivery.delivered) == 3


@pytest.mark.parametrize("failure", [NotDelivered("away"), ZeroDivisionError()])
def test_a_batch_that_fails_is_read_again_and_its_repetition_is_not_dropped(
    site: Site, failure: Exception
) -> None:
    site.delivery.failures = [failure, failure]
    for _ in range(3):
        site.run.process(batch(b"good"))
    assert (site.source.went_back, site.waits) == (2, [0, 1])
    assert [record.value for record in site.delivery.delivered] == [b"good"]
    assert len(site.source.settled) == 1


def test_a_defect_of_a_stage_holds_the_batch_and_settles_nothing(site: Site) -> None:
    site.run.process(batch(b"good", b"defect"))
    assert site.source.went_back == 1
    assert not site.source.settled
    assert not site.delivery.delivered


def test_a_defect_is_told_of_without_its_message_for_that_may_quote_the_payload(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.delivery.failures = [ValueError("no number: s3cr3t")]
    site.run.process(batch(b"good"))
    assert "ValueError" in caplog.text
    assert "in deliver" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_batch_that_is_no_longer_ours_is_left_alone(site: Site) -> None:
    site.source.ours = False
    site.run.process(batch(b"good"))
    assert not site.source.settled
    assert not site.delivery.delivered
    assert site.source.went_back == 0


def test_nothing_is_begun_after_the_stop(site: Site) -> None:
    site.patience.stop()
    site.run.process(batch(b"good"))
    assert not site.source.settled
    assert not site.delivery.delivered


def test_an_eviction_is_passed_on(site: Site) -> None:
    site.delivery.failures = [Evicted("fenced")]
    with pytest.raises(Evicted):
        site.run.process(batch(b"good"))
    assert site.source.settled == []


def test_history_counts_also_for_what_is_read_in_the_same_batch(site: Site) -> None:
    live = batch(b"good", b"new")
    key = live.live[0].key
    assert key is not None
    site.run.process(replace(live, history=(Sighting(0, 0, key, 0),)))
    assert [record.value for record in site.delivery.delivered] == [b"new"]


def test_history_alone_needs_no_delivery(site: Site) -> None:
    site.delivery.failures = [NotDelivered("must not be asked")]
    site.run.process(Batch("canvas.raw", 0, 0, (), (), {0: 3}, {}, None))
    assert len(site.source.settled) == 1


def test_what_a_batch_may_come_to_is_there_at_0_before_the_first(site: Site) -> None:
    # A rate of a series that begins with its first event misses that event.
    (reasons,), (causes,) = DEAD_LETTERED.collect(), ABORTED_BATCHES.collect()
    assert {sample.labels["reason"] for sample in reasons.samples} == set(Reason)
    assert {sample.labels["cause"] for sample in causes.samples} == {
        "dead_letter_limit",
        "not_delivered",
        "defect",
    }
    assert site.delivery.delivered == []


def test_the_age_of_events_is_told_once_a_batch(site: Site) -> None:
    def told() -> tuple[float | None, ...]:
        names = ("event_age_seconds_count", "last_received_timestamp_seconds")
        return tuple(REGISTRY.get_sample_value(f"canvas_processors_{name}") for name in names)

    events = batch(b"good", b"odd")
    live = [event._replace(received_at=at) for event, at in zip(events.live, (60_000, 90_000), strict=True)]
    before = told()[0] or 0
    site.run.process(replace(events, live=live))
    assert told() == (before + 1, 90.0)
