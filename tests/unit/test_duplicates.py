"""The duplicate window: what it drops, what it must not drop, and how little it keeps."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Position, RawEvent
from processors.worker.batches import Sighting
from processors.worker.duplicates import DuplicateWindow

WINDOW = 80  # seconds
T0 = 1_772_000_000_000


def raw(key: bytes | None, seconds: float, partition: int = 0) -> RawEvent:
    return RawEvent(b"{}", key, (), T0 + int(seconds * 1000), Position("canvas.raw", partition, 0))


def fresh(window: DuplicateWindow, *live: RawEvent) -> list[bytes | None]:
    return [event.key for event in window.sift(live).fresh]


def take(window: DuplicateWindow, *live: RawEvent) -> list[bytes | None]:
    kept = fresh(window, *live)
    window.remember(live)
    return kept


def test_a_key_seen_within_the_window_is_dropped_and_counted() -> None:
    window = DuplicateWindow(WINDOW)
    assert take(window, raw(b"a", 0)) == [b"a"]
    sifted = window.sift([raw(b"a", WINDOW), raw(b"b", WINDOW)])
    assert [event.key for event in sifted.fresh] == [b"b"]
    assert sifted.duplicates == 1


def test_a_key_older_than_the_window_is_no_repeat() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(b"a", 0))
    assert fresh(window, raw(b"a", WINDOW + 0.001)) == [b"a"]


def test_repeats_within_one_batch_are_dropped() -> None:
    assert fresh(DuplicateWindow(WINDOW), raw(b"a", 0), raw(b"a", 1), raw(b"a", 200)) == [b"a", b"a"]


def test_record_time_decides_also_where_records_are_old_or_out_of_order() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(b"a", -100_000))
    assert fresh(window, raw(b"a", -100_010)) == []
    assert fresh(window, raw(b"a", 0)) == [b"a"]


def test_a_repeat_counts_as_seen() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(b"a", 0))
    take(window, raw(b"a", 60))
    assert fresh(window, raw(b"a", 120)) == []


def test_the_repetition_of_a_batch_that_failed_is_not_dropped() -> None:
    window = DuplicateWindow(WINDOW)
    assert fresh(window, raw(b"a", 0), raw(b"b", 0)) == [b"a", b"b"]
    # It was aborted, so it is not remembered, and read again:
    assert take(window, raw(b"a", 0), raw(b"b", 0)) == [b"a", b"b"]
    assert fresh(window, raw(b"a", 1)) == []


def test_history_fills_the_window_and_is_nothing_to_process() -> None:
    window = DuplicateWindow(WINDOW)
    window.recall([Sighting(0, b"a", T0)])
    assert fresh(window, raw(b"a", 1), raw(b"b", 1)) == [b"b"]


def test_a_record_without_key_is_never_a_repeat() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(None, 0))
    assert fresh(window, raw(None, 0), raw(None, 0)) == [None, None]


def test_partitions_are_apart_and_can_be_forgotten() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(b"a", 0, partition=0), raw(b"b", 0, partition=1))
    assert fresh(window, raw(b"a", 1, partition=1)) == [b"a"]
    window.forget(1)
    assert fresh(window, raw(b"b", 1, partition=1), raw(b"a", 1, partition=0)) == [b"b"]


def test_a_window_of_0_drops_nothing_and_keeps_nothing() -> None:
    window = DuplicateWindow(0)
    take(window, raw(b"a", 0))
    assert fresh(window, raw(b"a", 0), raw(b"a", 0)) == [b"a", b"a"]
    assert len(window) == 0


def test_keys_are_forgotten_as_record_time_goes_on() -> None:
    window = DuplicateWindow(WINDOW)
    for second in range(10 * WINDOW):
        take(window, raw(b"%d" % second, second))
    assert WINDOW <= len(window) <= WINDOW * 1.25 + 1


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 40)), max_size=40),
    st.lists(st.integers(1, 40)),
)
def test_it_agrees_with_a_list_of_everything_seen(gaps: list[tuple[bytes, int]], cuts: list[int]) -> None:
    events, now = [], 0
    for key, gap in gaps:
        now += gap
        events.append(raw(key, now))
    expected = [
        event
        for index, event in enumerate(events)
        if not any(
            earlier.key == event.key and event.received_at - earlier.received_at <= WINDOW * 1000
            for earlier in events[:index]
        )
    ]
    window, kept, begin = DuplicateWindow(WINDOW), list[RawEvent](), 0
    for end in [*sorted(cut for cut in cuts if cut < len(events)), len(events)]:
        kept += window.sift(events[begin:end]).fresh
        window.remember(events[begin:end])
        begin = end
    assert kept == expected
