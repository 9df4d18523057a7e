"""People: logins, accounts, sessions."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import User
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    Where,
    act,
    by_admin,
    request,
    run,
    tell,
)
from bridge.sandbox.university import University

IMPORT: Final = "SIS::CSV::ImportRefactored#run_parallel_importer"


def created(campus: University) -> Happening:
    """An administrator registers somebody."""
    student, department = campus.add_student(), campus.departments[0]
    body = _user(campus, student, "registered")
    where = Where(campus.admin, None, department)
    return act(campus, "user_created", where, f"POST /accounts/{campus.root.id}/users", body)


def updated(campus: University) -> Happening:
    """Somebody takes another name, or the nightly import touches or deletes a user."""
    user = campus.anybody()
    if campus.dice.chance(0.5):
        state = "deleted" if campus.dice.chance(0.1) else "registered"
        return run(campus, "user_updated", IMPORT, _user(campus, user, state))
    user.name = phrases.name(campus.dice)
    body = _user(campus, user, "registered")
    return act(campus, "user_updated", Where(user), f"PUT /users/{user.id}", body)


def associated(campus: University) -> Happening:
    """Somebody comes to belong to a sub-account: by an import, or as one who administers it."""
    department, user = campus.dice.choice(campus.departments), campus.anybody()
    imported = campus.dice.chance(0.6)
    body = {
        "user_id": campus.global_id(user.id),
        "account_id": campus.global_id(department.id),
        "account_uuid": department.uuid,
        "created_at": Moment(campus.now),
        "updated_at": Moment(campus.now),
        "is_admin": not imported,
    }
    if imported:
        return run(campus, "user_account_association_created", IMPORT, body)
    call = f"POST /accounts/{department.id}/admins"
    return act(campus, "user_account_association_created", by_admin(campus, department), call, body)


def logged_in(campus: University) -> Happening:
    """Somebody logs in; after a deep link Canvas tells where they were sent."""
    course = campus.course()
    deep = {"redirect_url": f"https://{campus.account.host}/courses/{course.id}?login_success=1"}
    trigger = request(campus, "POST", "/login/saml", "/login")
    return tell(
        campus, "logged_in", trigger, Where(campus.anybody()), deep if campus.dice.chance(0.4) else {}
    )


def logged_out(campus: University) -> Happening:
    """Somebody logs out."""
    trigger = request(campus, "DELETE", "/logout", f"/courses/{campus.course().id}")
    return tell(campus, "logged_out", trigger, Where(campus.anybody()), {})


def _user(campus: University, user: User, state: str) -> Body:
    return {
        "user_id": campus.global_id(user.id),
        "uuid": user.uuid,
        "name": user.name,
        "short_name": user.name.partition(" ")[0],
        "workflow_state": state,
        "created_at": Moment(user.created_at),
        "updated_at": Moment(campus.now),
        "user_login": user.email,
        "user_sis_id": user.sis_id,
    }


EVENTS: Final = {
    "user_created": LiveEvent(2, created),
    "user_updated": LiveEvent(1, updated),
    "user_account_association_created": LiveEvent(1, associated),
    "logged_in": LiveEvent(12, logged_in),
    "logged_out": LiveEvent(6, logged_out),
}
