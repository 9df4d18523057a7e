"""Where a value that no field takes is to have its field: the record, the name, the Caliper pointer."""

import re
from typing import Any, Final, NamedTuple

from processors.caliper_rules import ENVELOPE
from processors.drift.inference import FIELD_NAME, Unclear
from processors.drift.new_field import snake_case
from processors.drift.pointers import ANY, CUT, Spot, open_key
from processors.drift.schema_text import RecordPlace, Texts, at, event_file, find_record, parse

_AVRO_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WRAPPERS: Final = frozenset({"extensions", "com.instructure.canvas"})
_GENERIC: Final = frozenset({"id", "entity_id", "type", "name"})
# The parts of a Caliper event that say who and where, whatever the event is about.
_CIRCUMSTANCES: Final = frozenset({"actor", "edApp", "extensions", "group", "membership", "session"})


class Target(NamedTuple):
    """A field to be: in which record, named how, and which other name or Caliper pointer fills it."""

    place: RecordPlace
    name: str
    alias: str | None = None
    caliper: str | None = None


def find_target(texts: Texts, event_name: str, spot: Spot) -> Target:
    """The target of a spot that has no field yet. Raises Unclear."""
    target = (
        _caliper_target(texts, event_name, spot.caliper) if spot.caliper else _target(texts, event_name, spot)
    )
    if target.name != (spot.path or ("",))[-1] and target.name in names_of(at(texts, target.place)):
        raise Unclear(
            f"`{target.name}` is there already: if it means the same, add this to its `caliper` or `aliases`"
        )
    return target


def names_of(record: Any) -> set[str]:
    """The names of a record's fields, and their other names."""
    return {name for field in record["fields"] for name in (field["name"], *field.get("aliases", []))}


def _target(texts: Texts, event_name: str, spot: Spot) -> Target:
    if not spot.path:
        raise Unclear("stands beside metadata and body, where no field is looked for: it stays in `extra`")
    *above, key = spot.path
    place = find_record(texts, event_file(event_name), above)
    if place is None:
        raise Unclear("stands in something that is no record: it stays in `extra`")
    if open_key(key) != ANY and FIELD_NAME.fullmatch(key):
        return Target(place, key)
    name = snake_case(key)
    if (
        open_key(key) == ANY
        or above != ["body"]
        or not _AVRO_NAME.fullmatch(key)
        or not FIELD_NAME.fullmatch(name)
    ):
        raise Unclear("no field can be named so: it stays in `extra`")
    return Target(place, name, alias=key)


def _caliper_target(texts: Texts, event_name: str, pointer: str) -> Target:
    segments = pointer.removeprefix(ENVELOPE).split("/")[1:]
    if {ANY, CUT, ""} & set(segments):
        raise Unclear(
            "stands in a list, or under a key that is no name: no Caliper pointer of ours leads there"
        )
    about = pointer.startswith(ENVELOPE) or segments[0] in _CIRCUMSTANCES
    section = "metadata" if about else "body"
    file = event_file(event_name)
    if not about and not parse(texts[file]).get("caliper"):
        raise Unclear(
            "the schema does not say how the event looks in Caliper: add the record's `caliper` first"
        )
    place = find_record(texts, file, [section])
    name = _caliper_name(segments)
    if place is None or not FIELD_NAME.fullmatch(name):
        raise Unclear("no field can be named so: write it by hand")
    return Target(place, name, caliper=pointer)


def _caliper_name(segments: list[str]) -> str:
    """The last segment; where that says little, what it belongs to as well: /object/isPartOf/id."""
    telling = [segment for segment in segments if segment not in _WRAPPERS]
    if not telling:
        return ""
    last = telling[-1].removeprefix("entity_") if telling[-1] in _GENERIC else telling[-1]
    return snake_case("_".join([*telling[-2:-1], last]) if telling[-1] in _GENERIC else last)
