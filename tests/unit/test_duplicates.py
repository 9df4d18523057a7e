"""The duplicate window: what it drops, what it must not drop, and how little it keeps."""

import tracemalloc
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Position, RawEvent
from processors.worker.batches import Sighting
from processors.worker.duplicates import DuplicateWindow
from processors.worker.seen_keys import SeenKeys

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
    window.recall([Sighting(0, 0, b"a", T0)])
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


def test_late_records_count_as_seen_when_they_are_read() -> None:
    window = DuplicateWindow(WINDOW)
    take(window, raw(b"a", 1000))
    take(window, raw(b"late", 0))  # out of a spool, say
    assert fresh(window, raw(b"late", 1)) == []
    take(window, raw(b"b", 1000 + WINDOW))
    assert fresh(window, raw(b"late", 2)) == []
    take(window, raw(b"b", 1000 + WINDOW + 0.001))
    assert fresh(window, raw(b"late", 3)) == [b"late"]


def test_history_read_again_makes_no_difference() -> None:
    window = DuplicateWindow(WINDOW)
    history = [Sighting(0, 0, b"a", T0), Sighting(0, 1, b"b", T0 + 70_000)]
    window.recall(history)
    window.recall(history)  # its batch failed: nothing of it was seen any later
    assert fresh(window, raw(b"a", 81)) == [b"a"]
    window.forget(0)
    assert fresh(window, raw(b"a", 60)) == [b"a"]
    window.recall(history)
    assert fresh(window, raw(b"a", 60)) == []


class Model:
    """A dict of everything ever seen: a repeat is what was seen within the window of record time."""

    def __init__(self) -> None:
        self.times: dict[int, int] = {}
        self.seen: dict[tuple[int, bytes], int] = {}

    def is_repeat(self, event: RawEvent) -> bool:
        assert event.position is not None
        assert event.key is not None
        partition = event.position.partition
        time = self.times[partition] = max(self.times.get(partition, 0), event.received_at)
        earlier = self.seen.get((partition, event.key))
        self.seen[partition, event.key] = time
        return earlier is not None and earlier >= time - WINDOW * 1000


KEYS = st.sampled_from(
    [
        b"a",
        b"b",
        b"",
        b"\xff" * 36,
        b"0f9c3b1e-1111-8222-9333-444455556666",
        b"0F9C3B1E-1111-8222-9333-444455556666",
    ]
)
STREAM = st.lists(st.tuples(KEYS, st.integers(-100, 100), st.integers(0, 1)), max_size=80)


def stream(steps: list[tuple[bytes, int, int]]) -> list[RawEvent]:
    """Records whose times go on, stand, and go back."""
    events, now = [], 0
    for offset, (key, step, partition) in enumerate(steps):
        now += step
        events.append(RawEvent(b"{}", key, (), T0 + now * 1000, Position("canvas.raw", partition, offset)))
    return events


@given(STREAM, st.lists(st.integers(1, 80)), st.integers(0, 3))
def test_it_answers_as_a_dict_of_everything_seen(
    steps: list[tuple[bytes, int, int]], cuts: list[int], failures: int
) -> None:
    events, model = stream(steps), Model()
    expected = [event for event in events if not model.is_repeat(event)]
    window, kept, begin = DuplicateWindow(WINDOW), list[RawEvent](), 0
    for end in [*sorted(cut for cut in set(cuts) if cut < len(events)), len(events)]:
        for _ in range(failures):
            window.sift(events[begin:end])  # aborted
        kept += window.sift(events[begin:end]).fresh
        window.remember(events[begin:end])
        begin = end
    assert kept == expected


@given(STREAM, st.integers(0, 80))
def test_a_window_filled_from_its_history_answers_as_one_that_was_never_lost(
    steps: list[tuple[bytes, int, int]], committed: int
) -> None:
    events, model = (
        [event for event in stream(steps) if event.position and not event.position.partition],
        Model(),
    )
    expected = [event for event in events if not model.is_repeat(event)]
    before, after = events[:committed], events[committed:]
    window = DuplicateWindow(WINDOW)
    if before:
        # As RawHistory looks it up: from the first record that is no older than the last one's window.
        since = before[-1].received_at - WINDOW * 1000
        first = next(index for index, event in enumerate(before) if event.received_at >= since)
        window.recall(_sighting(event) for event in before[first:])
    assert window.sift(after).fresh == [event for event in expected if event in after]


def _sighting(event: RawEvent) -> Sighting:
    assert event.position is not None
    assert event.key is not None
    return Sighting(event.position.partition, event.position.offset, event.key, event.received_at)


@given(st.integers(), st.integers(1, 300), st.sampled_from([b"a", b"ab", bytes(range(256))]))
def test_a_key_is_found_wherever_it_lies_and_no_other_is(seed: int, count: int, alphabet: bytes) -> None:
    chance = Random(seed)
    seen, marks = SeenKeys(10**9), [bytes(chance.choices(alphabet, k=16)) for _ in range(count)]
    for mark in marks:
        seen.time += 1
        seen.add(mark)
    for number, mark in enumerate(marks, 1):
        assert seen.holds(mark, number)
    across = [bytes(chance.choices(b"".join(marks), k=16)) for _ in range(50)]
    across += [(left + right)[8:24] for left, right in pairwise(marks)]
    assert [seen.holds(mark, 0) for mark in across] == [mark in marks for mark in across]


def test_a_mark_across_two_others_does_not_hide_the_mark_itself() -> None:
    seen, left, right = SeenKeys(10), b"a" * 16, b"a" * 8 + b"b" * 8
    for mark in (left, right, left, b"a" * 16):
        seen.add(mark)
    assert seen.holds(left, 0)
    assert not seen.holds(b"a" * 8 + b"c" * 8, 0)


def test_memory_is_bounded_by_the_window_over_a_topic_that_spans_days() -> None:
    """What the keys of a window take, and that 23 more windows of them take no more."""
    keys, hours = 2_400, 2
    window = DuplicateWindow(hours * 3600)
    tracemalloc.start()
    try:
        sizes = []
        for hour in range(48):
            for start in range(0, keys // hours, 300):
                window.remember(
                    [
                        RawEvent(
                            b"{}",
                            b"%d-%d" % (hour, number),
                            (),
                            T0 + int((hour + number * hours / keys) * 3_600_000),
                            Position("canvas.raw", number % 2, number),
                        )
                        for number in range(start, start + 300)
                    ]
                )
            sizes.append(tracemalloc.get_traced_memory()[0])
            assert len(window) <= keys * 1.15
    finally:
        tracemalloc.stop()
    assert len(window) >= keys
    assert max(sizes) < 40 * keys
    assert max(sizes) < 1.3 * sizes[hours]
