"""Blueprints: courses that other courses follow. Ids of templates and migrations are local."""

from typing import Final

from bridge.sandbox.institution import Blueprint, Course
from bridge.sandbox.live_events.base import Body, Happening, LiveEvent, act, by_teacher, run
from bridge.sandbox.university import University

_SYNC = "MasterCourses::MasterMigration#perform_exports"


def template_created(campus: University) -> Happening:
    """A course becomes a blueprint."""
    blueprint = _blueprint(campus, new=True)
    course = blueprint.course
    body = _template(campus, blueprint) | {
        "blueprint_course_title": course.name,
        "blueprint_course_workflow_state": "available",
    }
    call = f"PUT /courses/{course.id}?course%5Bblueprint%5D=true"
    return act(campus, "master_template_created", by_teacher(course), call, body)


def subscription_created(campus: University) -> Happening:
    """Another course begins to follow a blueprint."""
    blueprint = _blueprint(campus, new=False)
    _follow(campus, blueprint)
    return _subscription(campus, "blueprint_subscription_created", blueprint, blueprint.followers[-1])


def subscription_deleted(campus: University) -> Happening:
    """A course follows a blueprint no longer."""
    blueprint = _blueprint(campus, new=False)
    if not blueprint.followers:
        _follow(campus, blueprint)
    return _subscription(campus, "blueprint_subscription_deleted", blueprint, blueprint.followers.popleft())


def sync_started(campus: University) -> Happening:
    """What changed in a blueprint begins to be copied to the courses that follow it."""
    blueprint = _blueprint(campus, new=False)
    blueprint.syncs.append(campus.new_id())
    return _sync(campus, "master_migration_started", blueprint, blueprint.syncs[-1])


def sync_completed(campus: University) -> Happening:
    """The copying is done."""
    running = [blueprint for blueprint in campus.blueprints if blueprint.syncs]
    blueprint = campus.dice.choice(running) if running else _blueprint(campus, new=False)
    identity = blueprint.syncs.popleft() if blueprint.syncs else campus.new_id()
    return _sync(campus, "master_migration_completed", blueprint, identity)


def restricted(campus: University) -> Happening:
    """One assignment of a blueprint is locked for the courses that follow, or unlocked."""
    course = _blueprint(campus, new=False).course
    body = {
        "canvas_assignment_id": str(campus.dice.choice(course.assignments).id),
        "canvas_course_id": str(course.id),
        "canvas_course_uuid": course.uuid,
        "lti_resource_link_id": None,
        "restrictions": _restrictions(campus),
        "use_default_restrictions": campus.dice.chance(0.5),
    }
    call = f"PUT /courses/{course.id}/blueprint_templates/default/restrict_item"
    return act(campus, "blueprint_restrictions_updated", by_teacher(course), call, body)


def default_restricted(campus: University) -> Happening:
    """What a blueprint locks by default changes: for everything, or for each type of content."""
    course = _blueprint(campus, new=False).course
    by_type = {kind: _restrictions(campus) for kind in ("Assignment", "WikiPage", "Quizzes::Quiz")}
    body = {
        "canvas_course_id": str(course.id),
        "canvas_course_uuid": course.uuid,
        "restrictions": by_type if campus.dice.chance(0.5) else _restrictions(campus),
    }
    return act(
        campus,
        "default_blueprint_restrictions_updated",
        by_teacher(course),
        f"PUT /courses/{course.id}",
        body,
    )


def _blueprint(campus: University, *, new: bool) -> Blueprint:
    if new or not campus.blueprints:
        campus.blueprints.append(Blueprint(campus.new_id(), campus.course()))
        return campus.blueprints[-1]
    return campus.dice.choice(campus.blueprints)


def _follow(campus: University, blueprint: Blueprint) -> None:
    others = [course for course in campus.courses if course is not blueprint.course]
    blueprint.followers.append((campus.new_id(), campus.dice.choice(others)))


def _template(campus: University, blueprint: Blueprint) -> Body:
    course = blueprint.course
    return {
        "master_template_id": str(blueprint.id),
        "account_id": campus.global_id(course.department.id),
        "account_uuid": course.department.uuid,
        "blueprint_course_id": campus.global_id(course.id),
        "blueprint_course_uuid": course.uuid,
    }


def _subscription(
    campus: University, event_name: str, blueprint: Blueprint, follower: tuple[int, Course]
) -> Happening:
    identity, child = follower
    body = {
        "master_template_account_uuid": blueprint.course.department.uuid,
        "master_template_id": str(blueprint.id),
        "master_course_uuid": blueprint.course.uuid,
        "child_subscription_id": str(identity),
        "child_course_uuid": child.uuid,
        "child_course_account_uuid": child.department.uuid,
    }
    call = f"PUT /courses/{blueprint.course.id}/blueprint_templates/default/update_associations"
    return act(campus, event_name, by_teacher(blueprint.course), call, body)


def _sync(campus: University, event_name: str, blueprint: Blueprint, identity: int) -> Happening:
    body = {"master_migration_id": str(identity), **_template(campus, blueprint)}
    return run(campus, event_name, _SYNC, body)


def _restrictions(campus: University) -> dict[str, bool]:
    return {
        part: campus.dice.chance(0.5) for part in ("content", "points", "due_dates", "availability_dates")
    }


EVENTS: Final = {
    "master_template_created": LiveEvent(1, template_created),
    "default_blueprint_restrictions_updated": LiveEvent(1, default_restricted),
    "blueprint_restrictions_updated": LiveEvent(1, restricted),
    "blueprint_subscription_created": LiveEvent(1, subscription_created),
    "blueprint_subscription_deleted": LiveEvent(1, subscription_deleted),
    "master_migration_started": LiveEvent(1, sync_started),
    "master_migration_completed": LiveEvent(1, sync_completed),
}
