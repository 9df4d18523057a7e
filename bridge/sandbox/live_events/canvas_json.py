"""Writes what happened as Canvas JSON: `{"metadata": {...}, "body": {...}}`.

After canvas-lms lib/canvas/live_events.rb and the event metadata page of its documentation: ids are texts;
what a body does not have is left out, or null; metadata keeps its nulls; times come in several forms.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from bridge.contract import iso_time
from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Course, RootAccount
from bridge.sandbox.live_events.base import Happening, Job, Moment, Request

# Fields that Canvas now and then writes as Ruby prints a time: 2026-03-02 01:15:00 -0700.
RUBY_TIMES: Final = frozenset(
    {("course_updated", "updated_at"), ("enrollment_state_updated", "state_started_at")}
)

# Events to which Canvas adds the course itself, so that a job tells of it too.
AMENDED: Final = frozenset(
    {"content_migration_started", "content_migration_completed", "grade_change", "quiz_export_complete"}
)

_MOUNTAIN = timezone(timedelta(hours=-7))


def render(happening: Happening, dice: Dice) -> dict[str, Any]:
    """One delivery body."""
    keep_nulls = dice.chance(0.1)  # what Canvas did before it began to leave them out
    body = {
        name: _value(happening.event_name, name, value, dice)
        for name, value in happening.body.items()
        if value is not None or keep_nulls
    }
    return {"metadata": _metadata(happening), "body": body}


def _metadata(happening: Happening) -> dict[str, Any]:
    account, trigger = happening.account, happening.trigger
    metadata = {
        "event_name": happening.event_name,
        "event_time": iso_time(happening.time),
        "producer": "canvas",
        "root_account_id": account.global_id(account.id),
        "root_account_lti_guid": account.lti_guid,
        "root_account_uuid": account.uuid,
    }
    if isinstance(trigger, Job):
        metadata |= {"job_id": trigger.id, "job_tag": trigger.tag}
        return metadata | (_context_id(happening) if happening.event_name in AMENDED else {})
    return {**metadata, **_request(happening, trigger), **_context(happening, account)}


def _request(happening: Happening, request: Request) -> dict[str, Any]:
    actor, account = happening.where.actor, happening.account
    fields = {
        "request_id": request.id,
        "hostname": account.host,
        "http_method": request.method,
        "url": f"https://{account.host}{request.path}",
        "referrer": request.referrer,
        "client_ip": actor.client_ip if actor else "",
        "user_agent": actor.user_agent if actor else "lti-tool/1.1",
        "session_id": actor.session_id if actor and not request.developer_key_id else None,
    }
    if request.developer_key_id:
        fields["developer_key_id"] = request.developer_key_id
    if actor:
        fields["user_id"] = account.global_id(actor.id)
        fields["user_login"] = actor.email
        fields["user_account_id"] = account.global_id(account.id)
        fields["user_sis_id"] = actor.sis_id
        fields["time_zone"] = actor.time_zone
    if happening.where.masked:
        fields["real_user_id"] = account.global_id(happening.where.masked.id)
    return fields


def _context(happening: Happening, account: RootAccount) -> dict[str, Any]:
    context, role = happening.where.context, happening.where.role
    if context is None:
        return {}
    within = context.department if isinstance(context, Course) else context
    fields = _context_id(happening) | {
        "context_account_id": account.global_id(within.id),
        "context_sis_source_id": context.sis_id,
    }
    return {**fields, "context_role": role} if role else fields


def _context_id(happening: Happening) -> dict[str, Any]:
    context = happening.where.context
    if context is None:
        return {}
    kind = "Course" if isinstance(context, Course) else "Account"
    return {"context_type": kind, "context_id": happening.account.global_id(context.id)}


def _value(event_name: str, name: str, value: Any, dice: Dice) -> Any:
    if isinstance(value, Moment):
        if (event_name, name) in RUBY_TIMES and dice.chance(0.2):
            return f"{datetime.fromtimestamp(value // 1000, _MOUNTAIN):%Y-%m-%d %H:%M:%S %z}"
        return _time(value, dice)
    if isinstance(value, Mapping):
        return {key: _value(event_name, key, inner, dice) for key, inner in value.items()}
    return value


def _time(moment: Moment, dice: Dice) -> str:
    form = dice.random()
    if form < 0.6:
        return iso_time(moment)
    if form < 0.95:
        return f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return datetime.fromtimestamp(moment // 1000, _MOUNTAIN).isoformat()
