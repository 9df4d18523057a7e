"""The Caliper objects of people, their enrolments, groups and sessions, of the fields Canvas JSON has."""

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events.base import Happening
from bridge.sandbox.live_events.caliper.base import EXTENSIONS, Object, thing, time, urn


def enrollment(happening: Happening, _: Dice) -> Object:
    """An enrolment, whose extensions refer to user, course and section by URN."""
    body = happening.body
    section = f"{body['course_id']}:section:{body['course_section_id']}"
    names = ("limit_privileges_to_course_section", "type", "user_name", "workflow_state")
    more = {name: body[name] for name in names} | {
        "course_id": urn("course", body["course_id"]),
        "course_section_id": urn("course", section),
        "user_id": urn("user", body["user_id"]),
    }
    updated = happening.event_name == "enrollment_updated"
    return thing(
        "enrollment",
        body["enrollment_id"],
        "Entity",
        more,
        dateCreated=time(body["created_at"]),
        dateModified=time(body["updated_at"]) if updated else None,
    )


def enrollment_state(happening: Happening, _: Dice) -> Object:
    """An enrolment once more: the extensions say that it is about the state."""
    body = happening.body
    names = ("state", "state_is_current", "restricted_access", "access_is_current")
    more = {name: body[name] for name in names}
    more["state_valid_until"] = time(body["state_valid_until"])
    started = time(body["state_started_at"])
    return thing("enrollment", body["enrollment_id"], "Entity", more, startedAtTime=started)


def account_association(happening: Happening, _: Dice) -> Object:
    """The sub-account somebody belongs to from now on; it has no entity_id."""
    body = happening.body
    more = {"is_admin": body["is_admin"], "user_id": urn("user", body["user_id"])}
    return {
        "id": urn("account", body["account_id"]),
        "type": "Entity",
        "dateCreated": time(body["created_at"]),
        "dateModified": time(body["updated_at"]),
        "extensions": {EXTENSIONS: more},
    }


def group_category(happening: Happening, _: Dice) -> Object:
    """A set of groups."""
    body = happening.body
    name = body["group_category_name"]
    return thing("groupCategory", body["group_category_id"], "Entity", {}, name=name)


def group(happening: Happening, _: Dice) -> Object:
    """A group, as part of its set."""
    body = happening.body
    return thing("group", body["group_id"], "Group", {}, name=body["group_name"], isPartOf=_set(happening))


def group_membership(happening: Happening, _: Dice) -> Object:
    """Somebody in a group. The id of the membership stands where one looks for that of the group."""
    body = happening.body
    return {
        "id": urn("groupMembership", body["group_membership_id"]),
        "type": "Membership",
        "member": {"id": urn("user", body["user_id"]), "type": "Person"},
        "organization": {
            "id": urn("group", body["group_id"]),
            "type": "Group",
            "name": body["group_name"],
            "extensions": {EXTENSIONS: {"entity_id": body["group_membership_id"]}},
            "isPartOf": _set(happening),
        },
    }


def application(happening: Happening, _: Dice) -> Object:
    """Canvas itself, which one logs in to and out of."""
    canvas: Object = {"id": f"http://{happening.account.host}/", "type": "SoftwareApplication"}
    return {**canvas, "extensions": {EXTENSIONS: happening.body}} if happening.body else canvas


def _set(happening: Happening) -> Object:
    body = happening.body
    category = urn("groupCategory", body["group_category_id"])
    return {"id": category, "type": "Entity", "name": body["group_category_name"]}
