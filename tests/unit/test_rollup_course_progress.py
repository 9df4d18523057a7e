"""What course_progress makes of single events, and what it leaves out."""

from typing import Any

import pytest

from processors.rollups.base import LeftOut, NotCounted, State
from processors.rollups.course_progress import CourseProgress

ROLLUP = CourseProgress()
DAY = 86_400_000
NOON = 20_500 * DAY + DAY // 2


def record(**more: Any) -> dict[str, Any]:
    progress = {"requirement_count": 20, "requirement_completed_count": 5, "completed_at": None}
    return {
        "event_id": "11111111-1111-8111-8111-111111111111",
        "event_name": "course_progress",
        "event_time": NOON,
        "received_at": NOON + 1000,
        "body": {
            "course": {"id": "100000000000565", "name": "Marine Biology"},
            "user": {"id": "100000000000057", "name": "Aiko Tanaka", "email": "aiko@example.edu"},
            "progress": progress | more.pop("progress", {}),
        },
    } | more


def state(**more: Any) -> State:
    return ROLLUP.observe(record(**more)).state


def published(*states: State) -> dict[str, Any]:
    whole = states[0]
    for other in states[1:]:
        whole = ROLLUP.join(whole, other)
    return ROLLUP.publish(whole, NOON - DAY // 2, NOON + DAY // 2)


def left_out(**more: Any) -> LeftOut:
    with pytest.raises(NotCounted) as caught:
        ROLLUP.observe(record(**more))
    return caught.value.reason


def test_a_window_is_the_snapshot_with_its_source_and_no_names() -> None:
    observed = ROLLUP.observe(record())
    assert observed.key == "100000000000565/100000000000057"
    assert observed.time == NOON
    assert published(observed.state) == {
        "course_id": "100000000000565",
        "user_id": "100000000000057",
        "window_start": NOON - DAY // 2,
        "window_end": NOON + DAY // 2,
        "requirement_count": 20,
        "requirement_completed_count": 5,
        "percent": 25.0,
        "completed": False,
        "completed_at": None,
        "last_event_time": NOON,
        "source_event_id": "11111111-1111-8111-8111-111111111111",
    }


def test_the_latest_by_event_time_wins_whatever_came_first() -> None:
    later = state(event_time=NOON + 5, progress={"requirement_completed_count": 7})
    earlier = state(progress={"requirement_completed_count": 6})
    assert published(later, earlier) == published(earlier, later)
    assert published(later, earlier)["requirement_completed_count"] == 7


def test_completion_stays_and_its_time_is_the_earliest_told() -> None:
    completed = state(event_name="course_completed", progress={"requirement_completed_count": 20})
    told = state(event_name="course_completed", event_time=NOON + 9, progress={"completed_at": NOON - 3})
    after = state(event_time=NOON + 10)
    window = published(after, completed, told)
    assert (window["completed"], window["completed_at"]) == (True, NOON - 3)
    assert window["last_event_time"] == NOON + 10


def test_completion_without_a_time_of_its_own_has_the_events() -> None:
    assert published(state(event_name="course_completed"))["completed_at"] == NOON


def test_at_the_same_time_completion_wins() -> None:
    completed = state(
        event_name="course_completed", event_id="0", progress={"requirement_completed_count": 20}
    )
    assert published(state(), completed)["requirement_completed_count"] == 20
    assert published(completed, state())["requirement_completed_count"] == 20


@pytest.mark.parametrize(
    ("done", "count", "percent"), [(0, 0, None), (0, 4, 0.0), (4, 4, 100.0), (9, 4, 100.0)]
)
def test_percent(done: int, count: int, percent: float | None) -> None:
    one = state(progress={"requirement_count": count, "requirement_completed_count": done})
    assert published(one)["percent"] == percent


def test_an_error_in_place_of_counts_is_left_out() -> None:
    nothing = {"requirement_count": None, "requirement_completed_count": None, "error": {"message": "no"}}
    assert left_out(progress=nothing) == LeftOut.NO_PROGRESS
    body = record()["body"] | {"progress": None}
    assert left_out(body=body) == LeftOut.NO_PROGRESS


@pytest.mark.parametrize("missing", ["course", "user"])
@pytest.mark.parametrize("value", [None, {"id": None}])
def test_a_record_without_course_or_student_is_left_out(missing: str, value: Any) -> None:
    assert left_out(body=record()["body"] | {missing: value}) == LeftOut.NO_ID


def test_late_is_what_was_received_more_than_7_days_after_it_happened() -> None:
    state(received_at=NOON + 7 * DAY)
    assert left_out(received_at=NOON + 7 * DAY + 1) == LeftOut.LATE
