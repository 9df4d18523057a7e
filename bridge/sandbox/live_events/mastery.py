"""How outcomes are scored and put into plain words. Ids are local."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Department, Item
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    Moment,
    act,
    by_admin,
    by_teacher,
    pair,
    verb,
)
from bridge.sandbox.university import University

_SCALE = (
    ("Exceeds mastery", "1F6F43"),
    ("Mastery", "2E8B57"),
    ("Near mastery", "E0A100"),
    ("Begins", "B02A30"),
)


def proficiency(campus: University, *, new: bool) -> Happening:
    """An administrator sets the scale by which a sub-account rates outcomes."""
    department = campus.dice.choice(campus.departments)
    parts = tuple(campus.new_id() for _ in _SCALE)
    told = campus.item(department.proficiencies, "Scale", new=new, parts=parts)
    body = _within(department) | {
        "outcome_proficiency_id": str(told.id),
        "outcome_proficiency_ratings": _ratings(told),
        "workflow_state": campus.fate(department.proficiencies, told, new=new),
    }
    return _tell(campus, f"outcome_proficiency_{verb(new=new)}", department, body)


def _ratings(told: Item) -> list[Body]:
    return [
        {
            "outcome_proficiency_rating_id": str(identity),
            "description": description,
            "points": float(4 - place),
            "mastery": description == "Mastery",
            "color": color,
            "workflow_state": "active",
        }
        for place, (identity, (description, color)) in enumerate(zip(told.parts, _SCALE, strict=True))
    ]


def calculation(campus: University, *, new: bool) -> Happening:
    """An administrator chooses how a sub-account makes one score of many."""
    department = campus.dice.choice(campus.departments)
    told = campus.item(department.calculations, "Calculation", new=new)
    method = campus.dice.choice(("highest", "latest", "decaying_average", "n_mastery"))
    body = _within(department) | {
        "outcome_calculation_method_id": str(told.id),
        "calculation_method": method,
        "calculation_int": {"decaying_average": 65, "n_mastery": 3}.get(method),
        "workflow_state": campus.fate(department.calculations, told, new=new),
    }
    return _tell(campus, f"outcome_calculation_method_{verb(new=new)}", department, body)


def plain_words(campus: University, *, new: bool) -> Happening:
    """A teacher says to students in plain words what an outcome means."""
    course = campus.course()
    outcome = campus.item(course.outcomes, "Outcome", new=False)
    told = campus.item(course.plain_words, "Words", new=new, parent=outcome)
    body: Body = {
        "outcome_friendly_description_id": str(told.id),
        "context_type": "Course",
        "context_id": str(course.id),
        "description": phrases.sentence(campus.dice),
        "workflow_state": campus.fate(course.plain_words, told, new=new),
        "learning_outcome_id": str((told.parent or outcome).id),
        "learning_outcome_context_uuid": course.uuid,
        "root_account_id": str(campus.root.id),
    }
    if not new:
        body["updated_at"] = Moment(campus.now)
    name = f"outcome_friendly_description_{verb(new=new)}"
    return act(campus, name, by_teacher(course), "POST /graphql", body)


def _within(department: Department) -> Body:
    return {"context_type": "Account", "context_id": str(department.id)}


def _tell(campus: University, event_name: str, department: Department, body: Body) -> Happening:
    if event_name.endswith("updated"):
        body["updated_at"] = Moment(campus.now)
    call = f"POST /accounts/{department.id}/outcome_settings"
    return act(campus, event_name, by_admin(campus, department), call, body)


EVENTS: Final = {
    **pair("outcome_proficiency", proficiency),
    **pair("outcome_calculation_method", calculation),
    **pair("outcome_friendly_description", plain_words),
}
