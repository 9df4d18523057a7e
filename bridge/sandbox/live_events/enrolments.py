"""Sections of courses and who is in them."""

from typing import Final

from bridge.sandbox.institution import Course, Enrolment
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    Moment,
    act,
    by_student,
    by_teacher,
    pair,
    request,
    run,
    tell,
    verb,
)
from bridge.sandbox.live_events.people import IMPORT
from bridge.sandbox.university import DAY, University


def section(campus: University, *, new: bool) -> Happening:
    """An import or a teacher adds, renames or deletes a section. All ids are local."""
    course = campus.course()
    part = campus.item(course.sections, "Section", new=new)
    deletable = not new and part is not course.sections[0]
    state = campus.fate(course.sections, part, new=not deletable)
    body = _section(campus, course, part.title, part.id) | {
        "default_section": part is course.sections[0],
        "workflow_state": state,
    }
    if campus.dice.chance(0.5):
        body |= {
            "sis_source_id": f"S-{part.id}",
            "sis_batch_id": str(campus.new_id()),
            "stuck_sis_fields": [],
        }
        return run(campus, f"course_section_{verb(new=new)}", IMPORT, body)
    call = f"POST /courses/{course.id}/sections" if new else f"PUT /sections/{part.id}"
    return act(campus, f"course_section_{verb(new=new)}", by_teacher(course), call, body)


def _section(campus: University, course: Course, name: str, identity: int) -> Body:
    dated = identity % 3 == 0
    return {
        "course_section_id": str(identity),
        "sis_source_id": None,
        "sis_batch_id": None,
        "course_id": str(course.id),
        "root_account_id": str(campus.root.id),
        "enrollment_term_id": "1",
        "name": name,
        "accepting_enrollments": True,
        "can_manually_enroll": True,
        "start_at": Moment(course.created_at) if dated else None,
        "end_at": Moment(course.created_at + 90 * DAY) if dated else None,
        "restrict_enrollments_to_section_dates": dated,
        "nonxlist_course_id": None,
        "stuck_sis_fields": ["name"],
        "integration_id": None,
    }


def enrolment(campus: University, *, new: bool) -> Happening:
    """A teacher invites a student or one who watches a student; later on the import changes enrolments."""
    course = campus.course()
    if not new:
        told = campus.dice.choice(course.enrolments)
        state = campus.dice.choice(("active", "active", "completed", "deleted"))
        if state == "deleted":
            course.enrolments.remove(told)
        return run(campus, "enrollment_updated", IMPORT, _enrolment(campus, course, told, state), course)
    told = (
        _observer(campus, course) if campus.dice.chance(0.1) else campus.enrol(campus.add_student(), course)
    )
    query = f"enrollment[user_id]={told.user.id}&enrollment[type]={told.type}&enrollment[notify]=true"
    trigger = request(campus, "POST", f"/api/v1/sections/{told.section.id}/enrollments?{query}")
    body = _enrolment(campus, course, told, campus.dice.choice(("invited", "active")))
    return tell(campus, "enrollment_created", trigger, by_teacher(course), body)


def _observer(campus: University, course: Course) -> Enrolment:
    watched = campus.dice.choice(course.enrolments)
    return Enrolment(
        id=campus.new_id(),
        user=campus.add_person(),
        section=watched.section,
        created_at=campus.now,
        score_id=campus.new_id(),
        type="ObserverEnrollment",
        watches=watched.user,
    )


def _enrolment(campus: University, course: Course, told: Enrolment, state: str) -> Body:
    return {
        "enrollment_id": campus.global_id(told.id),
        "course_id": campus.global_id(course.id),
        "course_uuid": course.uuid,
        "user_id": campus.global_id(told.user.id),
        "user_uuid": told.user.uuid,
        "user_name": told.user.name,
        "type": told.type,
        "created_at": Moment(told.created_at),
        "updated_at": Moment(campus.now),
        "limit_privileges_to_course_section": told.id % 5 == 0,
        "course_section_id": campus.global_id(told.section.id),
        "workflow_state": state,
        "associated_user_id": campus.global_id(told.watches.id) if told.watches else None,
    }


def state(campus: University, *, new: bool) -> Happening:
    """An enrolment begins or ends: by its dates, which a job looks at, or because the student accepts."""
    course = campus.course()
    told = campus.dice.choice(course.enrolments)
    body = {
        "enrollment_id": campus.global_id(told.id),
        "state": campus.dice.choice(("active", "completed", "pending_invited", "inactive")),
        "state_started_at": Moment(campus.now - campus.dice.randint(0, 30) * DAY),
        "state_is_current": campus.dice.chance(0.9),
        "state_valid_until": Moment(campus.now + 90 * DAY) if campus.dice.chance(0.5) else None,
        "restricted_access": campus.dice.chance(0.1),
        "access_is_current": True,
    }
    name = f"enrollment_state_{verb(new=new)}"
    if campus.dice.chance(0.7):
        return run(campus, name, "EnrollmentState.process_states_for_ids", body, course)
    path = f"/courses/{course.id}"
    accepting = request(campus, "POST", f"{path}/enrollment_invitation", path)
    return tell(campus, name, accepting, by_student(told.user, course), body)


EVENTS: Final = {
    **pair("course_section", section),
    **pair("enrollment", enrolment, (4, 1)),
    **pair("enrollment_state", state, (1, 4)),
}
