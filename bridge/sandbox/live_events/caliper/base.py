"""What Caliper objects are made of."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from bridge.contract import iso_time
from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events.base import Body, Happening

EXTENSIONS: Final = "com.instructure.canvas"

Object = dict[str, Any]
MakeObject = Callable[[Happening, Dice], Object]


class Scope(Enum):
    """How much a form tells of the course that an event belongs to."""

    NOTHING = "neither group nor membership"
    MEMBERSHIP = "membership, no group"
    COURSE = "group and membership of the course"
    LOCAL = "group and membership of the course, by its local id"
    SECTION = "group and membership of its section"


class Form(NamedTuple):
    """Action and object of an event; `more` makes further keys of the event."""

    action: str
    object: MakeObject
    type: str = "Event"
    scope: Scope = Scope.COURSE
    more: MakeObject | None = None


def urn(kind: str, identity: str) -> str:
    """Canvas's name of a thing, e.g. `urn:instructure:canvas:course:12340000000000042`."""
    return f"urn:instructure:canvas:{kind}:{identity}"


def thing(kind: str, identity: str, type_: str, extensions: Body, /, **fields: Any) -> Object:
    """An object with a URN; what is null is left out."""
    known = told(extensions)
    return {
        "id": urn(kind, identity),
        "type": type_,
        **told(fields),
        "extensions": {EXTENSIONS: {**known, "entity_id": identity}},
    }


def told(fields: Body) -> Body:
    """The fields without nulls."""
    return {name: value for name, value in fields.items() if value is not None}


def assigned(student: str, kind: str, identity: str, type_: str) -> Object:
    """Who was to do what."""
    return {
        "assignee": {"id": urn("user", student), "type": "Person"},
        "assignable": {"id": urn(kind, identity), "type": type_},
    }


def time(moment: int | None) -> str | None:
    """A time in Caliper's one form."""
    return None if moment is None else iso_time(moment)


def saved_at(happening: Happening) -> Object:
    """When it was saved: as dateCreated the first time, as dateModified later."""
    key = "dateCreated" if happening.event_name.endswith("_created") else "dateModified"
    return {key: time(happening.body["updated_at"])}


def number(value: float | None, dice: Dice) -> Any:
    """A number, as text in an object one time in ten: seen in real feeds."""
    return {"numberStr": str(value)} if value is not None and dice.chance(0.1) else value
