"""The dead-letter limit: what reaches it, what must not, and that nothing counts twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import ValidationError

from bridge.contract import Position, RawEvent
from processors.failures import Failure, Reason, Stage
from processors.fingerprint import fingerprint
from processors.records import CanonicalEvent, Outcome, OutgoingRecord
from processors.settings import DeadLetterLimitSettings
from processors.worker.dead_letter_limit import DeadLetterLimit, LimitReached
from processors.worker.delivery.base import NotDelivered
from tests.unit.test_batch_run import Site, batch, counted

HALF_OF_TEN = {"share": 0.5, "events": 10, "minimum": 3}


def limit(**settings: Any) -> DeadLetterLimit:
    return DeadLetterLimit(DeadLetterLimitSettings(**settings))


def outcome(*, dead: bool, offset: int = 0, reason: Reason = Reason.INVALID_BODY) -> Outcome:
    raw = RawEvent(b"secret", b"key", (), 0, Position("canvas.raw", 3, offset))
    outgoing = OutgoingRecord("canvas.x", b"key", b"secret", (), 0)
    if dead:
        failure = Failure(Stage.VALIDATE, reason, "secret", "/body", "secret_event")
        return Outcome(raw, outgoing, failure=failure)
    return Outcome(raw, outgoing, CanonicalEvent("course_updated", "k", {}))


def taken(to: DeadLetterLimit, pattern: str) -> int:
    """How many of the events (x: a dead letter) are taken, one batch, before the limit is reached."""
    trial = to.trial()
    for index, sign in enumerate(pattern):
        try:
            trial.note(outcome(dead=sign == "x", offset=index))
        except LimitReached:
            return index
    to.keep(trial)
    return len(pattern)


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("xx" + "." * 30, 32),  # fewer than the minimum, whatever their share
        ("xxx", 2),
        (".x.x.x.x.x.x.x", 14),  # half is not more than half
        ("..........x.x.x.x.xx", 19),
        (".....xxxxx" + "." * 10, 20),
        (".....xxxxxx", 10),
    ],
)
def test_more_than_the_share_of_the_last_events_reaches_it(pattern: str, number: int) -> None:
    assert taken(limit(**HALF_OF_TEN), pattern) == number


def test_more_than_so_many_in_a_row_reach_it() -> None:
    settings = {"share": 1, "in_a_row": 4}
    assert taken(limit(**settings), "xxxx.xxxx.xxxxx") == 14
    assert taken(limit(**settings), ".xxxx." * 20) == 120


def test_switched_off_it_is_never_reached() -> None:
    assert taken(limit(share=1), "x" * 5000) == 5000


def test_a_share_of_0_lets_fewer_than_the_minimum_pass() -> None:
    assert taken(limit(share=0, minimum=2), "." * 50 + "x" + "." * 50 + "x") == 101


def test_the_default_takes_a_small_topics_first_poison_and_stops_a_stream_of_it() -> None:
    assert taken(limit(), "x" * 99) == 99
    assert taken(limit(), "x" * 1000) == 99
    assert taken(limit(), ("." * 19 + "x") * 500) == 10_000


def test_it_goes_on_counting_from_batch_to_batch() -> None:
    counting = limit(**HALF_OF_TEN)
    assert taken(counting, "x") == 1
    assert taken(counting, "x") == 1
    assert taken(counting, "x") == 0


@given(st.text("x.", max_size=40), st.text("x.", max_size=40), st.integers(0, 3))
def test_a_batch_read_again_counts_once(first: str, second: str, failures: int) -> None:
    counting, once = limit(**HALF_OF_TEN), limit(**HALF_OF_TEN)
    taken(counting, first)
    taken(once, first)
    for _ in range(failures):
        trial = counting.trial()  # not kept: Kafka did not take it
        for sign in second:
            try:
                trial.note(outcome(dead=sign == "x"))
            except LimitReached:
                break
    assert taken(counting, second) == taken(once, second)


@given(st.text("x.", max_size=300), st.integers(1, 40), st.floats(0, 1))
def test_it_agrees_with_counting_the_list(pattern: str, events: int, share: float) -> None:
    expected = len(pattern)
    for end in range(1, len(pattern) + 1):
        last = pattern[max(0, end - events) : end]
        if pattern[end - 1] == "x" and last.count("x") > share * len(last):
            expected = end - 1
            break
    assert taken(limit(share=share, events=events, minimum=1), pattern) == expected


def test_what_it_says_names_kinds_places_and_remedy_and_quotes_nothing() -> None:
    trial = limit(share=0, events=9, minimum=9).trial()
    for offset in range(5):
        trial.note(outcome(dead=True, offset=offset))
    for offset in range(5, 8):
        trial.note(outcome(dead=True, offset=offset, reason=Reason.INVALID_METADATA))
    with pytest.raises(LimitReached) as raised:
        trial.note(outcome(dead=True, offset=8, reason=Reason.INVALID_ENCODING))
    text = str(raised.value)
    first = fingerprint("invalid_body", "secret_event", "/body")
    assert text.startswith("9 of the last 9 events cannot be converted, the limit is 0%.")
    assert (
        f"5 invalid_body {first} (as canvas.raw/3/0, canvas.raw/3/1, canvas.raw/3/2); 3 invalid_meta" in text
    )
    assert "PROCESSORS_DEAD_LETTER_LIMIT__SHARE" in text
    assert "secret" not in text


def test_the_holds_grow_longer_up_to_a_minute_and_begin_anew_after_progress() -> None:
    held = limit()

    def told() -> tuple[bool, float | None]:
        return held.reached, REGISTRY.get_sample_value("canvas_processors_dead_letter_limit_reached")

    assert told() == (False, 0)
    seconds = [held.hold() for _ in range(6)]
    for found, longest in zip(seconds, (5, 10, 20, 40, 60, 60), strict=True):
        assert 0.9 * longest <= found <= longest
    assert told() == (True, 1)
    held.keep(held.trial())
    assert told() == (False, 0)
    assert held.hold() <= 5


def test_the_share_is_a_metric() -> None:
    taken(limit(), "x...")
    assert REGISTRY.get_sample_value("canvas_processors_dead_letter_share") == 0.25


def test_a_minimum_that_cannot_be_reached_is_refused() -> None:
    with pytest.raises(ValidationError, match="only the last 50 events count"):
        DeadLetterLimitSettings(events=50, minimum=51)


class Held:
    """A batch run with a limit, which notes the pauses it makes."""

    def __init__(self) -> None:
        self.site = Site(DeadLetterLimitSettings(share=0.5, events=10, minimum=3))
        self.pauses: list[float] = []
        self.site.patience.pause = self._pause  # type: ignore[method-assign]

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def test_the_batch_that_reaches_it_is_neither_committed_nor_counted(caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    before = counted("dead_lettered", reason="invalid_json"), counted("raw_records")
    for _ in range(2):
        held.site.run.process(batch(b"good", b"bad", b"bad", b"bad", b"good"))
    assert held.site.source.settled == []
    assert held.site.delivery.delivered == []
    assert held.site.source.went_back == len(held.pauses) == 2
    assert (counted("dead_lettered", reason="invalid_json"), counted("raw_records")) == before
    assert held.site.limit.reached
    assert (
        caplog.text.count("the dead-letter limit is reached, the batch is not committed: 3 of the last 4")
        == 2
    )


def test_once_held_nothing_of_the_batch_is_sent_again() -> None:
    held = Held()
    sent: list[int] = []

    def deliver(records: Any, _: Any) -> None:
        sent.extend(1 for _ in records)

    held.site.delivery.deliver = deliver  # type: ignore[method-assign]
    bad = batch(b"good", b"bad", b"bad", b"bad")
    held.site.run.process(bad)
    assert len(sent) == 3
    held.site.run.process(bad)
    assert len(sent) == 3


def test_it_moves_on_when_what_it_reads_is_good_again() -> None:
    held = Held()
    held.site.run.process(batch(b"bad", b"bad", b"bad"))
    held.site.run.process(batch(b"good", b"bad", b"good"))
    assert not held.site.limit.reached
    assert [record.value for record in held.site.delivery.delivered] == [b"good", b"bad", b"good"]


def test_a_batch_that_kafka_did_not_take_does_not_count_and_duplicates_never_do() -> None:
    held = Held()
    held.site.delivery.failures = [NotDelivered("away")] * 3
    for _ in range(4):
        held.site.run.process(batch(b"bad", b"bad"))
    for _ in range(4):
        held.site.run.process(batch(b"bad", b"bad"))  # repeats, by now
    assert not held.site.limit.reached
    assert len(held.site.delivery.delivered) == 2


def test_every_raw_record_is_accounted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def unaccounted() -> float:
        return REGISTRY.get_sample_value("canvas_processors_unaccounted_records") or 0

    site, before = Site(), unaccounted()
    site.run.process(batch(b"good", b"odd", b"bad"))
    site.run.process(batch(b"good", b"odd", b"bad"))
    assert unaccounted() == before
    monkeypatch.setattr("tests.unit.test_batch_run.Pipeline.run", lambda *_: [])
    site.run.process(batch(b"vanished", b"good"))
    assert unaccounted() == before + 2
