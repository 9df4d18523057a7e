"""Writes what happened as an IMS Caliper 1.1 envelope, as Canvas does; not every event has a Caliper form.

Which action, object and URN stand for which event: canvas-lms doc/api/data_services, format Caliper.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from bridge.contract import iso_time
from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Course
from bridge.sandbox.live_events import caliper_objects as objects
from bridge.sandbox.live_events.base import STUDENT, TEACHER, Happening, Job, Request
from bridge.sandbox.live_events.caliper_objects import EXTENSIONS, urn

VERSION: Final = "http://purl.imsglobal.org/ctx/caliper/v1p1"
ROLES: Final = {STUDENT: "Learner", TEACHER: "Instructor"}


class Scope(Enum):
    """How much a form tells of the course that an event belongs to."""

    NOTHING = "neither group nor membership"
    MEMBERSHIP = "membership, no group"
    COURSE = "group and membership of the course"
    SECTION = "group and membership of its section"


class Form(NamedTuple):
    """Type, action and object of an event; `more` makes further keys of the event."""

    type: str
    action: str
    object: Callable[[Happening, Dice], dict[str, Any]]
    scope: Scope = Scope.COURSE
    more: Callable[[Happening, Dice], dict[str, Any]] | None = None


FORMS: Final[dict[str, Form]] = {
    "assignment_created": Form("Event", "Created", objects.assignment),
    "assignment_updated": Form("Event", "Modified", objects.assignment),
    "attachment_created": Form("Event", "Created", objects.attachment),
    "course_created": Form("Event", "Created", objects.course, Scope.NOTHING),
    "course_updated": Form("Event", "Modified", objects.course, Scope.NOTHING),
    "discussion_entry_created": Form("MessageEvent", "Posted", objects.discussion_entry),
    "enrollment_created": Form("Event", "Created", objects.enrollment, Scope.SECTION),
    "enrollment_state_updated": Form("Event", "Modified", objects.enrollment_state),
    "grade_change": Form("GradeEvent", "Graded", objects.graded, more=objects.score),
    "logged_in": Form("SessionEvent", "LoggedIn", objects.application, Scope.NOTHING),
    "logged_out": Form("SessionEvent", "LoggedOut", objects.application, Scope.NOTHING),
    "quiz_submitted": Form("AssessmentEvent", "Submitted", objects.quiz_attempt),
    "submission_created": Form("AssignableEvent", "Submitted", objects.submission),
    "submission_updated": Form("Event", "Modified", objects.submission),
    "syllabus_updated": Form("Event", "Modified", objects.syllabus, Scope.MEMBERSHIP),
    "wiki_page_updated": Form("Event", "Modified", objects.wiki_page),
}


def render(happening: Happening, dice: Dice) -> dict[str, Any]:
    """One envelope with one event. Raises KeyError for an event without a Caliper form."""
    form = FORMS[happening.event_name]
    event = {
        "type": form.type,
        "actor": _actor(happening),
        "action": form.action,
        "object": form.object(happening, dice),
        **(form.more(happening, dice) if form.more else {}),
        **_course(happening, form.scope),
    }
    return envelope(happening, event, dice)


def envelope(happening: Happening, event: dict[str, Any], dice: Dice) -> dict[str, Any]:
    """Adds to an event what all have (id, time, application, session, request); puts it into an envelope."""
    host, trigger = happening.account.host, happening.trigger
    started_by_job = isinstance(trigger, Job)
    app = "http://www.canvaslms.com/" if started_by_job else f"http://{host}/"
    event = {
        "@context": VERSION,
        "id": f"urn:uuid:{dice.uuid()}",
        **event,
        "eventTime": iso_time(happening.time),
        "edApp": {"id": app, "type": "SoftwareApplication"},
        "extensions": {EXTENSIONS: {**_origin(happening, dice), "version": "1.0.0"}},
    }
    if isinstance(trigger, Request):
        if trigger.referrer:
            event["referrer"] = trigger.referrer
        if happening.where.actor and not trigger.developer_key_id:
            event["session"] = {"id": urn("session", happening.where.actor.session_id), "type": "Session"}
    sent = iso_time(happening.time + dice.randint(40, 90_000))
    return {"sensor": f"http://{host}/", "sendTime": sent, "dataVersion": VERSION, "data": [event]}


def _actor(happening: Happening) -> dict[str, Any]:
    account, actor = happening.account, happening.where.actor
    known: dict[str, Any] = {
        "root_account_id": account.global_id(account.id),
        "root_account_lti_guid": account.lti_guid,
        "root_account_uuid": account.uuid,
    }
    if actor is None:
        app = {"id": "http://www.canvaslms.com/", "type": "SoftwareApplication"}
        return {**app, "extensions": {EXTENSIONS: known}}
    known |= {"user_login": actor.email, "entity_id": account.global_id(actor.id)}
    if actor.sis_id:
        known["user_sis_id"] = actor.sis_id
    person = {"id": urn("user", account.global_id(actor.id)), "type": "Person"}
    return {**person, "extensions": {EXTENSIONS: known}}


def _course(happening: Happening, scope: Scope) -> dict[str, Any]:
    course = happening.where.context
    if scope is Scope.NOTHING or not isinstance(course, Course):
        return {}
    course_id = happening.account.global_id(course.id)
    organization: dict[str, Any] = {"id": urn("course", course_id), "type": "CourseOffering"}
    if scope is Scope.SECTION:
        section = f"{course_id}:section:{happening.account.global_id(course.section_id)}"
        organization = {"id": urn("course", section), "type": "CourseSection"}
    parts = _membership(happening, organization, urn("course", course_id))
    if scope is not Scope.MEMBERSHIP:
        known = {EXTENSIONS: {"context_type": "Course", "entity_id": course_id}}
        parts["group"] = {**organization, "extensions": known}
    return parts


def _membership(happening: Happening, organization: dict[str, Any], course: str) -> dict[str, Any]:
    actor = happening.where.actor
    if actor is None:
        return {}
    user = happening.account.global_id(actor.id)
    role = ROLES.get(happening.where.role or "")
    if organization["id"] != course:
        organization = {**organization, "subOrganizationOf": {"id": course, "type": "CourseOffering"}}
    membership: dict[str, Any] = {
        "id": f"{organization['id']}:{role or 'user'}:{user}",
        "type": "Membership",
        "member": {"id": urn("user", user), "type": "Person"},
        "organization": organization,
    }
    return {"membership": {**membership, "roles": [role]} if role else membership}


def _origin(happening: Happening, dice: Dice) -> dict[str, Any]:
    trigger, actor = happening.trigger, happening.where.actor
    if isinstance(trigger, Job):
        return {"job_id": trigger.id, "job_tag": trigger.tag}
    url = f"https://{happening.account.host}{trigger.path}"
    return {
        "hostname": happening.account.host,
        "request_id": trigger.id,
        "user_agent": actor.user_agent if actor else "lti-tool/1.1",
        "client_ip": actor.client_ip if actor else "",
        # Canvas writes some addresses as HTML would.
        "request_url": url.replace("&", "&amp;") if dice.chance(0.5) else url,
    }
