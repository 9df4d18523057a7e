"""Classic quizzes."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Course, Item
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    act,
    by_student,
    by_teacher,
    pair,
    request,
    tell,
    verb,
)
from bridge.sandbox.university import DAY, University


def quiz(campus: University, *, new: bool) -> Happening:
    """A teacher makes a quiz, changes its settings, or deletes it."""
    course = campus.course()
    told = campus.item(course.quizzes, "Quiz", new=new, text=phrases.prose(campus.dice))
    state = campus.fate(course.quizzes, told, new=new, first="created")
    body = _quiz(campus, course, told) | {"workflow_state": "available" if state == "active" else state}
    path = f"/courses/{course.id}/quizzes"
    call = f"POST {path}" if new else f"PUT {path}/{told.id}"
    return act(campus, f"quiz_{verb(new=new)}", by_teacher(course), call, body)


def submitted(campus: University) -> Happening:
    """A student hands in a classic quiz."""
    course = campus.course()
    told, student = campus.item(course.quizzes, "Quiz", new=False), campus.student(course)
    path = f"/courses/{course.id}/quizzes/{told.id}"
    trigger = request(campus, "POST", f"{path}/submissions?user_id={student.id}", f"{path}/take")
    body = {"submission_id": campus.global_id(campus.new_id()), "quiz_id": campus.global_id(told.id)}
    return tell(campus, "quiz_submitted", trigger, by_student(student, course), body)


def _quiz(campus: University, course: Course, told: Item) -> Body:
    due = told.created_at + 14 * DAY
    group = campus.item(course.assignment_groups, "Homework", new=False)
    return {
        "assignment_group_id": campus.global_id(group.id),
        "context_id": campus.global_id(course.id),
        "context_type": "Course",
        "context_uuid": course.uuid,
        "description": told.text,
        "due_at": Moment(due),
        "lock_at": Moment(due + DAY) if told.id % 3 else None,
        "points_possible": campus.dice.choice((5, 10, 20, 12.5)),
        "quiz_id": campus.global_id(told.id),
        "quiz_type": ("assignment", "practice_quiz", "graded_survey", "survey")[told.id % 4],
        "submission_types": "online_quiz",
        "title": told.title,
        "unlock_at": Moment(due - 7 * DAY) if told.id % 2 else None,
        "updated_at": Moment(campus.now),
        **_settings(told),
    }


def _settings(told: Item) -> Body:
    """What newer versions of Canvas tell; never the access code itself."""
    one_at_a_time = told.id % 5 == 0
    return {
        "assignment_id": None,
        "time_limit": 30 if told.id % 2 else None,
        "access_code": told.id % 3 == 0,
        "ip_filter": None,
        "shuffle_answers": told.id % 4 == 0,
        "allowed_attempts": 1 + told.id % 3,
        "scoring_policy": "keep_highest",
        "hide_results": None,
        "show_correct_answers": True,
        "show_correct_answers_at": None,
        "hide_correct_answers_at": None,
        "show_correct_answers_last_attempt": False,
        "one_question_at_a_time": one_at_a_time,
        "cant_go_back": one_at_a_time,
        "one_time_results": False,
        "anonymous_submissions": False,
        "require_lockdown_browser": False,
        "require_lockdown_browser_for_results": False,
        "disable_timer_autosubmission": False,
        "only_visible_to_overrides": False,
    }


EVENTS: Final = {**pair("quiz", quiz), "quiz_submitted": LiveEvent(3, submitted)}
