"""Modules of a course and what is in them. All ids are local."""

from typing import Final

from bridge.sandbox.institution import Course, Item
from bridge.sandbox.live_events.base import Body, Happening, act, by_teacher, pair, verb
from bridge.sandbox.university import University


def module(campus: University, *, new: bool) -> Happening:
    """A teacher adds, publishes or deletes a module."""
    course = campus.course()
    part = campus.item(course.modules, "Module", new=new)
    state = campus.fate(course.modules, part, new=new, first="unpublished")
    body = {"module_id": str(part.id), **_place(course, part, state), "name": part.title}
    path = f"/courses/{course.id}/modules"
    call = f"POST {path}" if new else f"PUT {path}/{part.id}"
    return act(campus, f"module_{verb(new=new)}", by_teacher(course), call, body)


def module_item(campus: University, *, new: bool) -> Happening:
    """A teacher puts something into a module, publishes it, or takes it out again."""
    course = campus.course()
    within = campus.item(course.modules, "Module", new=False)
    item = campus.item(course.module_items, "Item", new=new, parent=within)
    state = campus.fate(course.module_items, item, new=new, first="unpublished")
    module_id = (item.parent or within).id
    body = {"module_item_id": str(item.id), "module_id": str(module_id), **_place(course, item, state)}
    path = f"/courses/{course.id}/modules/{module_id}/items"
    call = f"POST {path}" if new else f"PUT {path}/{item.id}"
    return act(campus, f"module_item_{verb(new=new)}", by_teacher(course), call, body)


def _place(course: Course, item: Item, state: str) -> Body:
    return {
        "context_id": str(course.id),
        "context_type": "Course",
        "position": 1 + item.id % 12,
        "workflow_state": state,
    }


EVENTS: Final = {**pair("module", module), **pair("module_item", module_item)}
