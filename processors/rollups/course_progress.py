"""course_progress: per course, student and day (UTC), how far the student was with the module requirements.

Canvas's course_progress is a snapshot of the whole, debounced by two minutes, unordered, and not sent for
the last requirement: course_completed comes instead. So a window keeps the snapshot with the latest event
time and not a sum, and course_completed counts as a snapshot too.

- Ties of event time: course_completed wins, then the greater event_id.
- `completed` stays once it is true; `completed_at` is the earliest that was told in the window.
- Late events: one that was received more than 7 days after its event time is left out and counted
  (`canvas_processors_rollup_left_out_total{reason="late"}`). This depends on nothing but the event, so
  rolling up again gives the same windows.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from processors.rollups.base import LeftOut, NotCounted, Observation, Record, State

COMPLETED: Final = "course_completed"


class CourseProgress:
    """The member `course_progress`; its key is `course_id/user_id`."""

    name: Final = "course_progress"
    sources: Final[Sequence[str]] = ("course_progress", COMPLETED)
    window: Final = timedelta(days=1)
    retention: Final = timedelta(days=7)

    def observe(self, record: Record) -> Observation:
        """See Rollup."""
        body, time = record["body"], record["event_time"]
        course, user = _id(body, "course"), _id(body, "user")
        if course is None or user is None:
            raise NotCounted(LeftOut.NO_ID)
        if record["received_at"] - time > self.retention / timedelta(milliseconds=1):
            raise NotCounted(LeftOut.LATE)
        progress = body.get("progress") or {}
        count, done = progress.get("requirement_count"), progress.get("requirement_completed_count")
        if count is None or done is None:
            raise NotCounted(LeftOut.NO_PROGRESS)
        completed = record["event_name"] == COMPLETED
        told = progress.get("completed_at")
        state = {
            "course_id": course,
            "user_id": user,
            "time": time,
            "last": completed,
            "event_id": str(record["event_id"]),
            "count": count,
            "done": done,
            "completed": completed or told is not None,
            "completed_at": time if completed and told is None else told,
        }
        return Observation(f"{course}/{user}", time, state)

    def join(self, left: State, right: State) -> State:
        """See Rollup."""
        times = [side["completed_at"] for side in (left, right) if side["completed_at"] is not None]
        return {
            **(left if _order(left) >= _order(right) else right),
            "completed": left["completed"] or right["completed"],
            "completed_at": min(times, default=None),
        }

    def publish(self, state: State, start: int, end: int) -> dict[str, Any]:
        """See Rollup."""
        count, done = state["count"], state["done"]
        return {
            "course_id": state["course_id"],
            "user_id": state["user_id"],
            "window_start": start,
            "window_end": end,
            "requirement_count": count,
            "requirement_completed_count": done,
            "percent": min(100.0, max(0.0, 100.0 * done / count)) if count > 0 else None,
            "completed": state["completed"],
            "completed_at": state["completed_at"],
            "last_event_time": state["time"],
            "source_event_id": state["event_id"],
        }


def _id(body: Record, name: str) -> str | None:
    found: str | None = (body.get(name) or {}).get("id")
    return found


def _order(state: State) -> tuple[int, bool, str, int, int]:
    # The counts only tell apart what should not exist: two contents of one event_id.
    return state["time"], state["last"], state["event_id"], state["count"], state["done"]
