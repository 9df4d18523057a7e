"""People: accounts, enrolments, sessions."""

from bridge.sandbox.institution import User
from bridge.sandbox.live_events.base import (
    STUDENT,
    TEACHER,
    Happening,
    Moment,
    Where,
    by_student,
    job,
    request,
    tell,
)
from bridge.sandbox.university import DAY, University


def created(campus: University) -> Happening:
    """An administrator registers somebody."""
    student, account = campus.add_student(), campus.account
    trigger = request(campus, "POST", f"/api/v1/accounts/{account.id}/users")
    where = Where(campus.admin, None, campus.departments[0])
    body = {
        "user_id": account.global_id(student.id),
        "uuid": student.uuid,
        "name": student.name,
        "short_name": student.name.partition(" ")[0],
        "workflow_state": "registered",
        "created_at": Moment(campus.now),
        "updated_at": Moment(campus.now),
        "user_login": student.email,
        "user_sis_id": student.sis_id,
    }
    return tell(campus, "user_created", trigger, where, body)


def enrolled(campus: University) -> Happening:
    """A teacher invites a student into a section."""
    course, student, account = campus.course(), campus.add_student(), campus.account
    campus.enrol(student, course)
    query = f"enrollment[user_id]={student.id}&enrollment[type]={STUDENT}&enrollment[notify]=true"
    trigger = request(campus, "POST", f"/api/v1/sections/{course.section_id}/enrollments?{query}")
    body = {
        "enrollment_id": account.global_id(campus.new_id()),
        "course_id": account.global_id(course.id),
        "course_uuid": course.uuid,
        "user_id": account.global_id(student.id),
        "user_uuid": student.uuid,
        "user_name": student.name,
        "type": STUDENT,
        "created_at": Moment(campus.now),
        "updated_at": Moment(campus.now),
        "limit_privileges_to_course_section": campus.dice.chance(0.2),
        "course_section_id": account.global_id(course.section_id),
        "workflow_state": campus.dice.choice(("invited", "active")),
        "associated_user_id": None,
    }
    return tell(campus, "enrollment_created", trigger, Where(course.teacher, TEACHER, course), body)


def enrollment_state_updated(campus: University) -> Happening:
    """An enrolment begins or ends: by its dates, which a job looks at, or because the student accepts."""
    course = campus.course()
    student = campus.dice.choice(course.students)
    body = {
        "enrollment_id": campus.account.global_id(campus.new_id()),
        "state": campus.dice.choice(("active", "completed", "pending_invited", "inactive")),
        "state_started_at": Moment(campus.now - campus.dice.randint(0, 30) * DAY),
        "state_is_current": campus.dice.chance(0.9),
        "state_valid_until": Moment(campus.now + 90 * DAY) if campus.dice.chance(0.5) else None,
        "restricted_access": campus.dice.chance(0.1),
        "access_is_current": True,
    }
    if campus.dice.chance(0.7):
        trigger = job(campus, "EnrollmentState.process_states_for_ids")
        return tell(campus, "enrollment_state_updated", trigger, Where(context=course), body)
    accepting = request(
        campus, "POST", f"/courses/{course.id}/enrollment_invitation", f"/courses/{course.id}"
    )
    return tell(campus, "enrollment_state_updated", accepting, by_student(student, course), body)


def logged_in(campus: University) -> Happening:
    """Somebody logs in; after a deep link Canvas tells where they were sent."""
    course = campus.course()
    deep = {"redirect_url": f"https://{campus.account.host}/courses/{course.id}?login_success=1"}
    trigger = request(campus, "POST", "/login/saml", "/login")
    return tell(
        campus, "logged_in", trigger, Where(_anybody(campus)), deep if campus.dice.chance(0.4) else {}
    )


def logged_out(campus: University) -> Happening:
    """Somebody logs out."""
    trigger = request(campus, "DELETE", "/logout", f"/courses/{campus.course().id}")
    return tell(campus, "logged_out", trigger, Where(_anybody(campus)), {})


def _anybody(campus: University) -> User:
    return campus.dice.choice(campus.students if campus.dice.chance(0.9) else campus.teachers)
