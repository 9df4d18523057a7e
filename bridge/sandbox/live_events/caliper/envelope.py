"""What all Caliper events have: who, which course, application, session, request; and the envelope."""

from typing import Any, Final

from bridge.contract import iso_time
from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Course
from bridge.sandbox.live_events.base import STUDENT, TEACHER, Happening, Job, Request
from bridge.sandbox.live_events.caliper.base import EXTENSIONS, Form, Scope, urn

VERSION: Final = "http://purl.imsglobal.org/ctx/caliper/v1p1"
ROLES: Final = {STUDENT: "Learner", TEACHER: "Instructor"}


def envelope(happening: Happening, form: Form, dice: Dice) -> dict[str, Any]:
    """What happened, in an event of the form, in an envelope."""
    host, trigger = happening.account.host, happening.trigger
    app = "http://www.canvaslms.com/" if isinstance(trigger, Job) else f"http://{host}/"
    event: dict[str, Any] = {
        "@context": VERSION,
        "id": f"urn:uuid:{dice.uuid()}",
        "type": form.type,
        "actor": _actor(happening),
        "action": form.action,
        "object": form.object(happening, dice),
        **(form.more(happening, dice) if form.more else {}),
        **_course(happening, form.scope),
        "eventTime": iso_time(happening.time),
        "edApp": {"id": app, "type": "SoftwareApplication"},
        "extensions": {EXTENSIONS: {**_origin(happening, dice), "version": "1.0.0"}},
        **_session(happening),
    }
    sent = iso_time(happening.time + dice.randint(40, 90_000))
    return {"sensor": f"http://{host}/", "sendTime": sent, "dataVersion": VERSION, "data": [event]}


def _session(happening: Happening) -> dict[str, Any]:
    actor, trigger = happening.where.actor, happening.trigger
    known: dict[str, Any] = {}
    if isinstance(trigger, Request):
        if trigger.referrer:
            known["referrer"] = trigger.referrer
        if actor and not trigger.developer_key_id:
            known["session"] = {"id": urn("session", actor.session_id), "type": "Session"}
    return known


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
    if happening.where.masked:
        known["real_user_id"] = account.global_id(happening.where.masked.id)
    person = {"id": urn("user", account.global_id(actor.id)), "type": "Person"}
    return {**person, "extensions": {EXTENSIONS: known}}


def _course(happening: Happening, scope: Scope) -> dict[str, Any]:
    course = happening.where.context
    if scope is Scope.NOTHING or not isinstance(course, Course):
        return {}
    course_id = str(course.id) if scope is Scope.LOCAL else happening.account.global_id(course.id)
    organization: dict[str, Any] = {"id": urn("course", course_id), "type": "CourseOffering"}
    if scope is Scope.SECTION:
        section = f"{course_id}:section:{happening.body['course_section_id']}"
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
