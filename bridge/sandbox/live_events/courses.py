"""Courses, their syllabus, and how far their students have come."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Course, Progress
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    Where,
    by_student,
    by_teacher,
    job,
    request,
    tell,
)
from bridge.sandbox.university import University


def created(campus: University) -> Happening:
    """An administrator makes a course."""
    course = campus.add_course()
    trigger = request(campus, "POST", f"/api/v1/accounts/{course.department.id}/courses")
    return tell(campus, "course_created", trigger, Where(campus.admin), _course(campus, course, "claimed"))


def updated(campus: University) -> Happening:
    """A teacher edits a course, or the nightly import of the student information system does."""
    course = campus.course()
    if campus.dice.chance(0.4):
        importing = job(campus, "SIS::CSV::ImportRefactored#run_parallel_importer")
        return tell(campus, "course_updated", importing, Where(), _course(campus, course, "available"))
    trigger = request(campus, "PUT", f"/api/v1/courses/{course.id}", f"/courses/{course.id}/settings")
    return tell(campus, "course_updated", trigger, by_teacher(course), _course(campus, course, "available"))


def updated_with_syllabus(campus: University, syllabus: Happening) -> Happening:
    """Saving a syllabus also saves the course: the same request tells of both."""
    course = syllabus.where.context
    assert isinstance(course, Course)  # noqa: S101 - for the type checker: `syllabus_updated` is of a course
    body = _course(campus, course, "available")
    return tell(campus, "course_updated", syllabus.trigger, syllabus.where, body)


def syllabus_updated(campus: University) -> Happening:
    """A teacher rewrites the syllabus."""
    course = campus.course()
    old, course.syllabus = course.syllabus, phrases.prose(campus.dice)
    trigger = request(campus, "POST", f"/courses/{course.id}", f"/courses/{course.id}/assignments/syllabus")
    body = {
        "course_id": campus.global_id(course.id),
        "syllabus_body": course.syllabus,
        "old_syllabus_body": old,
    }
    return tell(campus, "syllabus_updated", trigger, by_teacher(course), body)


def progress(campus: University) -> Happening:
    """A student completes requirements, but not the last. A course without modules tells an error."""
    bare = next((course for course in campus.courses if not course.requirements and course.enrolments), None)
    if bare and campus.dice.chance(0.01):
        pair = Progress(campus.student(bare), bare)
        error = {"message": "no progress: the course has no module requirements"}
        return _tell_progress(campus, "course_progress", pair, {"error": error})
    pair = campus.advance(finish=False)
    item = pair.course.requirements[pair.completed]
    counts = {
        "requirement_count": len(pair.course.requirements),
        "requirement_completed_count": pair.completed,
        "next_requirement_url": f"https://{campus.account.host}/courses/{pair.course.id}/modules/items/{item}",
        "completed_at": None,
    }
    return _tell_progress(campus, "course_progress", pair, counts)


def completed(campus: University) -> Happening:
    """A student completes the last requirement: Canvas tells of this instead of the progress."""
    pair = campus.advance(finish=True)
    counts = {
        "requirement_count": pair.completed,
        "requirement_completed_count": pair.completed,
        "next_requirement_url": None,
        "completed_at": Moment(campus.now),
    }
    return _tell_progress(campus, "course_completed", pair, counts)


def _tell_progress(campus: University, event_name: str, pair: Progress, progress: Body) -> Happening:
    course, student = pair.course, pair.student
    body = {
        "progress": progress,
        "user": {"id": str(student.id), "name": student.name, "email": student.email},
        "course": {
            "id": str(course.id),
            "name": course.name,
            "account_id": str(course.department.id),
            "sis_source_id": course.sis_id,
        },
    }
    if campus.dice.chance(0.7):
        computing = job(campus, "ContextModuleProgression#evaluate!")
        return tell(campus, event_name, computing, Where(context=course), body)
    path = f"/courses/{course.id}/modules"
    asking = request(campus, "GET", f"/api/v1{path}?include%5B%5D=items&per_page=50", path)
    return tell(campus, event_name, asking, by_student(student, course), body)


def _course(campus: University, course: Course, state: str) -> Body:
    return {
        "course_id": campus.global_id(course.id),
        "uuid": course.uuid,
        "account_id": campus.global_id(course.department.id),
        "account_uuid": course.department.uuid,
        "name": course.name,
        "created_at": Moment(course.created_at),
        "updated_at": Moment(campus.now),
        "workflow_state": state,
    }


EVENTS: Final = {
    "course_created": LiveEvent(1, created),
    "course_updated": LiveEvent(2, updated),
    "syllabus_updated": LiveEvent(2, syllabus_updated, updated_with_syllabus),
    "course_progress": LiveEvent(20, progress),
    "course_completed": LiveEvent(4, completed),
}
