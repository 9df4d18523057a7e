"""Assignments, the groups they count in, and who has other dates for them."""

from datetime import UTC, datetime
from typing import Final

from bridge.sandbox.institution import Assignment, Course, Item
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    act,
    by_teacher,
    pair,
    verb,
)
from bridge.sandbox.university import DAY, University


def created(campus: University) -> Happening:
    """A teacher sets an assignment."""
    course = campus.course()
    body = _assignment(campus, course, campus.add_assignment(course), "unpublished")
    call = f"POST /courses/{course.id}/assignments"
    return act(campus, "assignment_created", by_teacher(course), call, body)


def updated(campus: University) -> Happening:
    """A teacher edits, publishes or deletes an assignment: a deletion too is an update."""
    course = campus.course()
    assignment = campus.dice.choice(course.assignments)
    deleted = len(course.assignments) > 3 and campus.dice.chance(0.2)
    if deleted:
        course.assignments.remove(assignment)
    call = f"{'DELETE' if deleted else 'PUT'} /courses/{course.id}/assignments/{assignment.id}"
    body = _assignment(campus, course, assignment, "deleted" if deleted else "published")
    return act(campus, "assignment_updated", by_teacher(course), call, body)


def _assignment(campus: University, course: Course, assignment: Assignment, state: str) -> Body:
    types = campus.dice.choice(("{}", "{},online_upload", "{}, media_recording"))
    return {
        "anonymous_grading": False,
        "assignment_group_id": campus.global_id(assignment.group.id),
        "assignment_id": campus.global_id(assignment.id),
        "context_id": campus.global_id(course.id),
        "context_type": "Course",
        "context_uuid": course.uuid,
        "created_on_blueprint_sync": False,
        "description": assignment.text,
        "due_at": Moment(assignment.due_at),
        "lock_at": Moment(assignment.due_at + DAY) if assignment.id % 3 else None,
        "unlock_at": Moment(assignment.due_at - 14 * DAY) if assignment.id % 2 else None,
        "lti_assignment_id": assignment.uuid,
        "points_possible": assignment.points,
        "submission_types": types.format(assignment.submission_type),
        "title": assignment.title,
        "updated_at": Moment(campus.now),
        "workflow_state": state,
        "domain": campus.account.host,
    }


def group(campus: University, *, new: bool) -> Happening:
    """A teacher makes a group of assignments with a weight and rules of its own, or changes it."""
    course = campus.course()
    told = campus.item(course.assignment_groups, "Homework", new=new)
    body = {
        "assignment_group_id": str(told.id),
        "context_id": str(course.id),
        "context_type": "Course",
        "name": told.title,
        "position": 1 + told.id % 5,
        "group_weight": campus.dice.choice((0, 12.5, 25, 40)),
        "sis_source_id": f"AG-{told.id}" if told.id % 2 else None,
        "integration_data": {"registrar_code": f"R{told.id}"} if told.id % 3 == 0 else None,
        "rules": campus.dice.choice(("drop_lowest:1\n", "drop_lowest:1\ndrop_highest:1\n", None)),
        "workflow_state": "available",
    }
    path = f"/courses/{course.id}/assignment_groups"
    call = f"POST {path}" if new else f"PUT {path}/{told.id}"
    return act(campus, f"assignment_group_{verb(new=new)}", by_teacher(course), call, body)


def override(campus: University, *, new: bool) -> Happening:
    """A section, a group or some students get other dates for an assignment, or lose them again."""
    course = campus.course()
    told = campus.item(course.overrides, "Override", new=new, parts=_target(campus, course))
    body = _override(told) | {"workflow_state": campus.fate(course.overrides, told, new=new)}
    path = f"/courses/{course.id}/assignments/{told.parts[0]}/overrides"
    call = f"POST {path}" if new else f"PUT {path}/{told.id}"
    return act(campus, f"assignment_override_{verb(new=new)}", by_teacher(course), call, body)


def _target(campus: University, course: Course) -> tuple[int, int, int]:
    """An assignment, and a section and a group that may have other dates."""
    teams = campus.item(course.group_sets, "Project teams", new=False)
    team = campus.item(course.groups, "Team", new=False, parent=teams)
    return campus.dice.choice(course.assignments).id, campus.dice.choice(course.sections).id, team.id


def _override(told: Item) -> Body:
    """Whom it is for depends on the type; a few students are not told. Ids are local."""
    midnight = (told.created_at // DAY + 21) * DAY - 1000
    all_day = told.id % 2 == 0
    assignment, section, team = told.parts
    due = midnight if all_day else told.created_at + 20 * DAY
    body = {
        "assignment_override_id": str(told.id),
        "assignment_id": str(assignment),
        "due_at": Moment(due),
        "all_day": all_day,
        "all_day_date": f"{datetime.fromtimestamp(due // 1000, UTC):%Y-%m-%d}",
        "unlock_at": Moment(due - 14 * DAY) if told.id % 3 else None,
        "lock_at": Moment(due + DAY),
        "type": ("CourseSection", "Group", "ADHOC")[told.id % 3],
    }
    if body["type"] == "CourseSection":
        return body | {"course_section_id": str(section)}
    if body["type"] == "Group":
        return body | {"group_id": str(team)}
    return body


EVENTS: Final = {
    **pair("assignment_group", group),
    "assignment_created": LiveEvent(2, created),
    "assignment_updated": LiveEvent(4, updated),
    **pair("assignment_override", override),
}
