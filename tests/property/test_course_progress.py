"""Events of a window in any order, with any repeats and in any grouping, give one and the same window."""

from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.rollups.base import State
from processors.rollups.course_progress import CourseProgress

ROLLUP = CourseProgress()
EVENTS = ("course_progress", "course_completed")


@st.composite
def states(draw: st.DrawFn) -> State:
    # Few values, so that ties of every kind occur.
    time = draw(st.integers(0, 3))
    progress: dict[str, Any] = {
        "requirement_count": draw(st.integers(0, 3)),
        "requirement_completed_count": draw(st.integers(0, 3)),
        "completed_at": draw(st.none() | st.integers(0, 3)),
    }
    record = {
        "event_id": draw(st.sampled_from("abc")),
        "event_name": draw(st.sampled_from(EVENTS)),
        "event_time": time,
        "received_at": time,
        "body": {"course": {"id": "1"}, "user": {"id": "2"}, "progress": progress},
    }
    return ROLLUP.observe(record).state


def fold(events: list[State]) -> State:
    return reduce(ROLLUP.join, events)


@given(st.lists(states(), min_size=1, max_size=8), st.data())
def test_order_and_repeats_do_not_matter(events: list[State], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=8))
    shuffled = data.draw(st.permutations(events + repeats))
    assert fold(shuffled) == fold(events)


@given(st.lists(states(), min_size=2, max_size=8), st.data())
def test_a_state_that_was_stored_and_taken_up_again_joins_like_its_events(
    events: list[State], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(events) - 1))
    assert ROLLUP.join(fold(events[:cut]), fold(events[cut:])) == fold(events)


@given(st.lists(states(), min_size=1, max_size=8))
def test_a_window_never_goes_back(events: list[State]) -> None:
    for number in range(1, len(events)):
        before, after = fold(events[:number]), fold(events[: number + 1])
        assert after["time"] >= before["time"]
        assert after["completed"] or not before["completed"]
