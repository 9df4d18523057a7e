"""Assignments, what is handed in for them, and how it is graded."""

from bridge.sandbox import phrases
from bridge.sandbox.institution import Assignment, Course, Submission
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    Moment,
    Request,
    Where,
    by_student,
    by_teacher,
    job,
    request,
    tell,
)
from bridge.sandbox.university import DAY, University


def assignment_created(campus: University) -> Happening:
    """A teacher sets an assignment."""
    course = campus.course()
    assignment = campus.add_assignment(course)
    trigger = request(
        campus, "POST", f"/api/v1/courses/{course.id}/assignments", f"/courses/{course.id}/assignments"
    )
    body = _assignment(campus, course, assignment, "unpublished")
    return tell(campus, "assignment_created", trigger, by_teacher(course), body)


def assignment_updated(campus: University) -> Happening:
    """A teacher edits, publishes or deletes an assignment: a deletion too is an update."""
    course = campus.course()
    assignment = campus.dice.choice(course.assignments)
    state = "published"
    if len(course.assignments) > 3 and campus.dice.chance(0.2):
        course.assignments.remove(assignment)
        state = "deleted"
    path = f"/courses/{course.id}/assignments/{assignment.id}"
    trigger = request(campus, "DELETE" if state == "deleted" else "PUT", f"/api/v1{path}", path)
    body = _assignment(campus, course, assignment, state)
    return tell(campus, "assignment_updated", trigger, by_teacher(course), body)


def submission_created(campus: University) -> Happening:
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


def submission_updated(campus: University) -> Happening:
    """A teacher looks at a submission: Canvas touches it, graded or not."""
    submission = campus.submission()
    state = "submitted" if submission.score is None else "graded"
    body = _submission(campus, submission, state)
    return tell(campus, "submission_updated", *_grading(campus, submission), body)


def grade_change(campus: University) -> Happening:
    """A submission gets another grade: from a teacher, or one in ten from a quiz that scores itself."""
    submission = campus.submission()
    assignment, account = submission.assignment, campus.account
    old, new = submission.score, campus.dice.randint(0, int(assignment.points * 4)) / 4
    submission.score = new
    automatic = campus.dice.chance(0.1)
    student = account.global_id(submission.student.id)
    body = {
        "submission_id": account.global_id(submission.id),
        "assignment_id": account.global_id(assignment.id),
        "assignment_name": assignment.title,
        "grade": f"{new:g}",
        "old_grade": None if old is None else f"{old:g}",
        "score": new,
        "old_score": old,
        "points_possible": assignment.points,
        "old_points_possible": assignment.points,
        "grader_id": None if automatic else account.global_id(submission.course.teacher.id),
        "student_id": student,
        "student_sis_id": submission.student.sis_id,
        "user_id": student,
        "grading_complete": True,
        "muted": False,
    }
    if automatic:
        return tell(campus, "grade_change", job(campus, "Quizzes::SubmissionGrader#grade"), Where(), body)
    return tell(campus, "grade_change", *_grading(campus, submission), body)


def quiz_submitted(campus: University) -> Happening:
    """A student hands in a classic quiz."""
    course = campus.course()
    quiz, student = campus.dice.choice(course.quizzes), campus.dice.choice(course.students)
    path = f"/courses/{course.id}/quizzes/{quiz.id}"
    trigger = request(campus, "POST", f"{path}/submissions?user_id={student.id}", f"{path}/take")
    body = {
        "submission_id": campus.account.global_id(campus.new_id()),
        "quiz_id": campus.account.global_id(quiz.id),
    }
    return tell(campus, "quiz_submitted", trigger, by_student(student, course), body)


def outcome_result_created(campus: University) -> Happening:
    """A job computes how well a student has mastered an outcome. Its ids are local."""
    submission = campus.submission()
    course, outcome = submission.course, campus.dice.choice(submission.course.outcomes)
    score = campus.dice.randint(0, 5)
    body = {
        "id": str(campus.new_id()),
        "learning_outcome_id": str(outcome.id),
        "learning_outcome_context_uuid": course.uuid,
        "result_context_id": str(course.id),
        "result_context_type": "Course",
        "result_context_uuid": course.uuid,
        "mastery": score >= 3,
        "score": score,
        "created_at": Moment(campus.now),
        "attempt": submission.attempt,
        "possible": 5,
        "original_score": score,
        "original_possible": 5,
        "original_mastery": score >= 3,
        "assessed_at": Moment(campus.now),
        "percent": score / 5,
        "workflow_state": "active",
        "user_uuid": submission.student.uuid,
        "associated_asset_id": str(submission.assignment.id),
        "associated_asset_type": "Assignment",
        "artifact_id": str(submission.id),
        "artifact_type": "Submission",
        "artifact_updated_at": Moment(campus.now),
        "artifact_created_at": Moment(submission.submitted_at),
    }
    trigger = job(campus, "Quizzes::SubmissionGrader#update_outcomes")
    return tell(campus, "learning_outcome_result_created", trigger, Where(context=course), body)


def _assignment(campus: University, course: Course, assignment: Assignment, state: str) -> Body:
    account = campus.account
    return {
        "anonymous_grading": False,
        "assignment_group_id": account.global_id(assignment.group_id),
        "assignment_id": account.global_id(assignment.id),
        "context_id": account.global_id(course.id),
        "context_type": "Course",
        "context_uuid": course.uuid,
        "created_on_blueprint_sync": False,
        "description": assignment.text,
        "due_at": Moment(assignment.due_at),
        "lock_at": Moment(assignment.due_at + DAY) if assignment.id % 3 else None,
        "unlock_at": Moment(assignment.due_at - 14 * DAY) if assignment.id % 2 else None,
        "lti_assignment_id": assignment.uuid,
        "points_possible": assignment.points,
        "submission_types": campus.dice.choice(("{}", "{},online_upload", "{}, media_recording")).format(
            assignment.submission_type
        ),
        "title": assignment.title,
        "updated_at": Moment(campus.now),
        "workflow_state": state,
        "domain": account.host,
    }


def _submission(campus: University, submission: Submission, state: str) -> Body:
    account, score, kind = campus.account, submission.score, submission.assignment.submission_type
    graded = None if score is None else Moment(campus.now)
    return {
        "submission_id": account.global_id(submission.id),
        "assignment_id": account.global_id(submission.assignment.id),
        "user_id": account.global_id(submission.student.id),
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


def _grading(campus: University, submission: Submission) -> tuple[Request, Where]:
    course = submission.course
    speed_grader = f"/courses/{course.id}/gradebook/speed_grader"
    query = f"assignment_id={submission.assignment.id}&student_id={submission.student.id}"
    trigger = request(
        campus, "POST", f"/courses/{course.id}/gradebook/update_submission", f"{speed_grader}?{query}"
    )
    return trigger, by_teacher(course)
