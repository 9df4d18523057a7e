"""What is handed in for assignments, and what is said about it."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Submission
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    Request,
    Where,
    act,
    by_student,
    by_teacher,
    request,
    tell,
)
from bridge.sandbox.university import University


def created(campus: University) -> Happening:
    """A student hands something in; one in twenty through an external tool, where nobody is logged in."""
    submission = campus.submit()
    course = submission.course
    path = f"/courses/{course.id}/assignments/{submission.assignment.id}/submissions"
    body = _submission(campus, submission, "submitted")
    if campus.dice.chance(0.05):
        passback = request(campus, "POST", f"/api/lti/v1/tools/{course.folder_id}/grade_passback")
        return tell(campus, "submission_created", passback, Where(), body)
    trigger = request(campus, "POST", path, path.rpartition("/")[0])
    return tell(campus, "submission_created", trigger, by_student(submission.student, course), body)


def updated(campus: University) -> Happening:
    """A teacher looks at a submission: Canvas touches it, graded or not."""
    submission = campus.submission()
    state = "submitted" if submission.score is None else "graded"
    body = _submission(campus, submission, state)
    return tell(campus, "submission_updated", *grading(campus, submission), body)


def resubmitted(campus: University) -> Happening:
    """A teacher has a submission looked at by the plagiarism checker once more."""
    submission = campus.submission()
    path = f"/courses/{submission.course.id}/assignments/{submission.assignment.id}/submissions"
    trigger = request(campus, "POST", f"{path}/{submission.student.id}/turnitin/resubmit", path)
    body = _submission(campus, submission, "submitted")
    return tell(campus, "plagiarism_resubmit", trigger, by_teacher(submission.course), body)


def commented(campus: University) -> Happening:
    """The teacher or the student writes below a submission, perhaps with a file. All ids are local."""
    submission = campus.submission()
    course, student = submission.course, submission.student
    teaches = campus.dice.chance(0.7)
    body = {
        "submission_comment_id": str(campus.new_id()),
        "submission_id": str(submission.id),
        "user_id": str(course.teacher.id if teaches else student.id),
        "created_at": Moment(campus.now),
        "attachment_ids": [str(campus.new_id())] if campus.dice.chance(0.3) else [],
        "body": phrases.sentence(campus.dice),
    }
    call = f"PUT /courses/{course.id}/assignments/{submission.assignment.id}/submissions/{student.id}"
    where = by_teacher(course) if teaches else by_student(student, course)
    return act(campus, "submission_comment_created", where, call, body)


def _submission(campus: University, submission: Submission, state: str) -> Body:
    score, kind = submission.score, submission.assignment.submission_type
    graded = None if score is None else Moment(campus.now)
    return {
        "submission_id": campus.global_id(submission.id),
        "assignment_id": campus.global_id(submission.assignment.id),
        "user_id": campus.global_id(submission.student.id),
        "submitted_at": Moment(submission.submitted_at),
        "lti_user_id": submission.student.uuid,
        "graded_at": graded,
        "updated_at": Moment(campus.now),
        "score": score,
        "grade": None if score is None else f"{score:g}",
        "submission_type": kind,
        "body": phrases.prose(campus.dice) if kind == "online_text_entry" else None,
        "url": f"https://portfolio.example.edu/{submission.id}?v=1&lang=en" if kind == "online_url" else None,
        "attempt": submission.attempt,
        "late": submission.submitted_at > submission.assignment.due_at,
        "missing": False,
        "lti_assignment_id": submission.assignment.uuid,
        "group_id": None,
        "posted_at": graded,
        "workflow_state": state,
    }


def grading(campus: University, submission: Submission) -> tuple[Request, Where]:
    """The request of a teacher who grades a submission."""
    course = submission.course
    speed_grader = f"/courses/{course.id}/gradebook/speed_grader"
    query = f"assignment_id={submission.assignment.id}&student_id={submission.student.id}"
    trigger = request(
        campus, "POST", f"/courses/{course.id}/gradebook/update_submission", f"{speed_grader}?{query}"
    )
    return trigger, by_teacher(course)


EVENTS: Final = {
    "submission_created": LiveEvent(12, created),
    "submission_updated": LiveEvent(8, updated),
    "submission_comment_created": LiveEvent(1, commented),
    "plagiarism_resubmit": LiveEvent(1, resubmitted),
}
