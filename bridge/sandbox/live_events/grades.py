"""How submissions and whole courses are graded. But for `grade_change` all ids are local."""

from typing import Final

from bridge.sandbox.institution import Course, Enrolment
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    act,
    by_teacher,
    request,
    run,
    tell,
)
from bridge.sandbox.live_events.submissions import grading
from bridge.sandbox.university import University

# What an institution may call a grade beside its number; the first is none at all, which Canvas writes as "".
CUSTOM_STATUSES: Final = ("", "Audit", "Incomplete", "Medical leave")


def grade_change(campus: University) -> Happening:
    """A submission gets another grade: from a teacher, or one in ten from a quiz that scores itself."""
    submission = campus.submission()
    assignment = submission.assignment
    old, new = submission.score, campus.dice.randint(0, int(assignment.points * 4)) / 4
    submission.score = new
    automatic = campus.dice.chance(0.1)
    student = campus.global_id(submission.student.id)
    body = {
        "submission_id": campus.global_id(submission.id),
        "assignment_id": campus.global_id(assignment.id),
        "assignment_name": assignment.title,
        "grade": f"{new:g}",
        "old_grade": None if old is None else f"{old:g}",
        "score": new,
        "old_score": old,
        "points_possible": assignment.points,
        "old_points_possible": assignment.points,
        "grader_id": None if automatic else campus.global_id(submission.course.teacher.id),
        "student_id": student,
        "student_sis_id": submission.student.sis_id,
        "user_id": student,
        "grading_complete": True,
        "muted": False,
    }
    if automatic:
        return run(campus, "grade_change", "Quizzes::SubmissionGrader#grade", body, submission.course)
    return tell(campus, "grade_change", *grading(campus, submission), body)


def course_grade_change(campus: University) -> Happening:
    """A grade has changed, so the score of the course has: with and without what is not handed in yet."""
    course, enrolment = _graded(campus)
    old, new = enrolment.score, campus.dice.randint(0, 10_000) / 100
    enrolment.score = new
    body: Body = {
        "user_id": str(enrolment.user.id),
        "course_id": str(course.id),
        "workflow_state": "active",
        "created_at": Moment(enrolment.created_at),
        "updated_at": Moment(campus.now),
    }
    for name, share in (("current", 1.0), ("final", 0.8)):
        for prefix in ("", "unposted_"):
            body[f"{prefix}{name}_score"] = round(new * share, 2)
            body[f"old_{prefix}{name}_score"] = None if old is None else round(old * share, 2)
    trigger = request(campus, "POST", f"/courses/{course.id}/gradebook/update_submission")
    return tell(campus, "course_grade_change", trigger, by_teacher(course), body)


def overridden(campus: University) -> Happening:
    """A teacher sets the final score of a student by hand."""
    course, enrolment = _graded(campus)
    old, enrolment.override = enrolment.override, float(campus.dice.randint(40, 100))
    body = _final(campus, course, enrolment) | {
        "override_score": enrolment.override,
        "old_override_score": old,
    }
    call = f"POST /courses/{course.id}/final_grade_override"
    return act(campus, "grade_override", by_teacher(course), call, body)


def final_status(campus: University) -> Happening:
    """A teacher gives the final grade of a student a status, or takes it away."""
    course, enrolment = _graded(campus)
    old, enrolment.status = enrolment.status, _other(campus, enrolment.status)
    body = _final(campus, course, enrolment) | {
        "override_status": CUSTOM_STATUSES[enrolment.status],
        "override_status_id": str(enrolment.status or ""),
        "old_override_status": CUSTOM_STATUSES[old],
        "old_override_status_id": str(old or ""),
    }
    return act(campus, "final_grade_custom_status", by_teacher(course), "POST /graphql", body)


def submission_status(campus: University) -> Happening:
    """A teacher gives the grade of a submission a status, or takes it away."""
    submission = campus.submission()
    old, submission.status = submission.status, _other(campus, submission.status)
    body = {
        "assignment_id": str(submission.assignment.id),
        "submission_id": str(submission.id),
        "user_id": str(submission.student.id),
        "course_id": str(submission.course.id),
        "old_submission_status_id": str(old or ""),
        "old_submission_status": CUSTOM_STATUSES[old],
        "submission_status": CUSTOM_STATUSES[submission.status],
        "submission_status_id": str(submission.status or ""),
        "updated_at": Moment(campus.now),
    }
    return tell(campus, "submission_custom_grade_status", *grading(campus, submission), body)


def rubric_assessed(campus: University) -> Happening:
    """A teacher grades a submission by a rubric."""
    submission = campus.submission()
    body = {
        "id": str(campus.new_id()),
        "aligned_to_outcomes": campus.dice.chance(0.6),
        "artifact_id": str(submission.id),
        "artifact_type": "Submission",
        "assessment_type": "grading",
        "context_uuid": submission.course.uuid,
        "submitted_at": Moment(submission.submitted_at),
        "created_at": Moment(campus.now),
        "updated_at": Moment(campus.now),
        "attempt": submission.attempt,
    }
    return tell(campus, "rubric_assessed", *grading(campus, submission), body)


def _graded(campus: University) -> tuple[Course, Enrolment]:
    course = campus.course()
    return course, campus.dice.choice(course.enrolments)


def _final(campus: University, course: Course, enrolment: Enrolment) -> Body:
    return {
        "score_id": str(enrolment.score_id),
        "enrollment_id": str(enrolment.id),
        "user_id": str(enrolment.user.id),
        "course_id": str(course.id),
        "grading_period_id": None,
        "updated_at": Moment(campus.now),
    }


def _other(campus: University, status: int) -> int:
    return (status + campus.dice.randint(1, len(CUSTOM_STATUSES) - 1)) % len(CUSTOM_STATUSES)


EVENTS: Final = {
    "grade_change": LiveEvent(8, grade_change),
    "course_grade_change": LiveEvent(1, course_grade_change),
    "grade_override": LiveEvent(1, overridden),
    "final_grade_custom_status": LiveEvent(1, final_status),
    "submission_custom_grade_status": LiveEvent(1, submission_status),
    "rubric_assessed": LiveEvent(1, rubric_assessed),
}
