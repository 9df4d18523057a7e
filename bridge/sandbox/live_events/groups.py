"""Groups of students: sets of groups, groups, members."""

from typing import Final

from bridge.sandbox.institution import Course, Item
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    Where,
    act,
    by_teacher,
    pair,
    verb,
)
from bridge.sandbox.university import University


def category(campus: University, *, new: bool) -> Happening:
    """A teacher makes or changes a set of groups. The id of the course is local."""
    course = campus.course()
    told = _set(campus, course, new=new)
    body = {
        "group_category_id": campus.global_id(told.id),
        "group_category_name": told.title,
        "context_id": str(course.id),
        "context_type": "Course",
        "group_limit": 2 + told.id % 4 if told.id % 3 else None,
    }
    call = f"POST /courses/{course.id}/group_categories" if new else f"PUT /group_categories/{told.id}"
    return act(campus, f"group_category_{verb(new=new)}", by_teacher(course), call, body)


def group(campus: University, *, new: bool) -> Happening:
    """A teacher adds a group to a set, changes it, or deletes it."""
    course = campus.course()
    team = _team(campus, course, new=new)
    state = campus.fate(course.groups, team, new=new, first="available")
    body = {
        **_within(campus, team),
        "uuid": team.uuid,
        "context_type": "Course",
        "context_id": campus.global_id(course.id),
        "account_id": campus.global_id(course.department.id),
        "workflow_state": "deleted" if state == "deleted" else "available",
        "max_membership": 2 + team.id % 4 if team.id % 3 else None,
    }
    call = f"POST /group_categories/{_category(team).id}/groups" if new else f"PUT /groups/{team.id}"
    return act(campus, f"group_{verb(new=new)}", by_teacher(course), call, body)


def membership(campus: University, *, new: bool) -> Happening:
    """A student joins a group or, told as an update, leaves it. Canvas tells no context."""
    course = campus.course()
    team, student = _team(campus, course, new=False), campus.student(course)
    told = campus.item(course.memberships, "Membership", new=new, parent=team, owner=student)
    state = campus.fate(course.memberships, told, new=new)
    team, student = told.parent or team, told.owner or student
    body = {
        "group_membership_id": campus.global_id(told.id),
        "user_id": campus.global_id(student.id),
        **_within(campus, team),
        "workflow_state": "deleted" if state == "deleted" else "accepted",
    }
    path = f"/groups/{team.id}/memberships"
    call = f"POST {path}" if new else f"PUT {path}/{told.id}"
    where = Where(student) if new else Where(course.teacher)
    return act(campus, f"group_membership_{verb(new=new)}", where, call, body)


def _set(campus: University, course: Course, *, new: bool) -> Item:
    return campus.item(course.group_sets, "Project teams", new=new)


def _team(campus: University, course: Course, *, new: bool) -> Item:
    return campus.item(course.groups, "Team", new=new, parent=_set(campus, course, new=False))


def _category(team: Item) -> Item:
    return team.parent or team


def _within(campus: University, team: Item) -> Body:
    return {
        "group_category_id": campus.global_id(_category(team).id),
        "group_category_name": _category(team).title,
        "group_id": campus.global_id(team.id),
        "group_name": team.title,
    }


EVENTS: Final = {
    **pair("group_category", category),
    **pair("group", group),
    **pair("group_membership", membership),
}
