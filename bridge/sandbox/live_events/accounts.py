"""Sub-accounts, what they announce, and what the student information system imports into them."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Department
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    Where,
    act,
    by_admin,
    pair,
    run,
)
from bridge.sandbox.university import DAY, University


def account_created(campus: University) -> Happening:
    """A sub-account is made. Canvas gives the ids of these two events local, and bare."""
    department = campus.add_department()
    return run(campus, "account_created", "Account.api_create", _account(campus, department, "active"))


def account_updated(campus: University) -> Happening:
    """An administrator renames a sub-account, or deletes one."""
    department, state = campus.dice.choice(campus.departments), "active"
    if len(campus.departments) > 4 and campus.dice.chance(0.1):
        campus.departments.remove(department)
        state = "deleted"
    else:
        department.name = phrases.department(campus.dice)
    call = f"PUT /accounts/{department.id}"
    return act(campus, "account_updated", Where(campus.admin), call, _account(campus, department, state))


def _account(campus: University, department: Department, state: str) -> Body:
    return {
        "name": department.name,
        "account_id": department.id,
        "root_account_id": campus.root.id,
        "root_account_uuid": campus.root.uuid,
        "parent_account_id": campus.root.id,
        "external_status": "paid",
        "workflow_state": state,
        "domain": campus.account.host,
        "default_time_zone": "America/Denver",
        "default_locale": campus.dice.choice(("en", "en-GB", None)),
    }


def notified(campus: University) -> Happening:
    """An administrator announces something to a whole sub-account."""
    department = campus.dice.choice((campus.root, *campus.departments))
    body = {
        "account_notification_id": campus.global_id(campus.new_id()),
        "subject": phrases.title(campus.dice, "Notice"),
        "message": phrases.prose(campus.dice),
        "icon": campus.dice.choice(("information", "warning", "calendar", "question", "error")),
        "start_at": Moment(campus.now),
        "end_at": Moment(campus.now + 7 * DAY),
    }
    call = f"POST /accounts/{department.id}/account_notifications"
    return act(campus, "account_notification_created", by_admin(campus, department), call, body)


def sis_batch(campus: University, *, new: bool) -> Happening:
    """The student information system uploads a batch; jobs then import it, which some batches survive."""
    batch = campus.item(campus.imports, "Import", new=new or not campus.imports, state="created")
    body = {"sis_batch_id": str(batch.id), "account_id": str(campus.root.id)}
    if new:
        call = f"POST /accounts/{campus.root.id}/sis_imports.json?import_type=instructure_csv"
        body["workflow_state"] = "initializing"
        return act(campus, "sis_batch_created", by_admin(campus, campus.root), call, body)
    if batch.state == "importing":
        campus.imports.remove(batch)
        batch.state = campus.dice.choice(("imported", "imported", "imported_with_messages", "failed"))
    else:
        batch.state = "importing"
    body["workflow_state"] = batch.state
    return run(campus, "sis_batch_updated", "SisBatch.process_all_for_account", body)


EVENTS: Final = {
    "account_created": LiveEvent(1, account_created),
    "account_updated": LiveEvent(1, account_updated),
    "account_notification_created": LiveEvent(1, notified),
    **pair("sis_batch", sis_batch),
}
