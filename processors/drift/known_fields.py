"""Which field of an event's schema a value of `extra` would belong to, if there is one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from processors.caliper_rules import ENVELOPE
from processors.catalogue import EventType
from processors.drift.pointers import ANY, Spot, generalise
from processors.field_readers import field_readers
from processors.records import Json
from processors.values import Misfit, Notes, Reader

Schema = Mapping[str, Any]
_SECTIONS: Final = ("metadata", "body")


class KnownField(NamedTuple):
    """A field that the schema has, and how the conversion reads it."""

    schema: Schema
    reader: Reader

    def takes(self, value: Json) -> bool:
        """Whether the value fits."""
        try:
            self.reader(value, "", Notes())
        except Misfit:
            return False
        return True


class KnownFields:
    """The fields of one event, by the places that pointers of `extra` mean."""

    def __init__(self, event_type: EventType) -> None:
        fields = {field["name"]: field["type"] for field in event_type.schema["fields"]}
        self._sections = {name: fields[name] for name in _SECTIONS}
        self._aliases = event_type.aliases
        self._caliper = {
            pointer: (section, field["name"])
            for section in _SECTIONS
            for field in self._sections[section]["fields"]
            for pointer in caliper_pointers(field)
        }

    def find(self, spot: Spot) -> KnownField | None:
        """The field at that place; None: the schema does not know it."""
        path = self._path_of(spot.caliper) if spot.caliper else spot.path
        if len(path) < 2:
            return None
        if path[0] == "body":
            path = ("body", self._aliases.get(path[1], path[1]), *path[2:])
        return _walk(self._sections[path[0]], path[1:])

    def _path_of(self, pointer: str) -> tuple[str, ...]:
        """A Caliper pointer, or the beginning of it that a field claims, as a path of names."""
        head = pointer
        rest: tuple[str, ...] = ()
        while head and head not in self._caliper:
            head, _, segment = head.rpartition("/")
            rest = (segment, *rest)
        return (*self._caliper[head], *rest) if head else ()


def caliper_pointers(field: Schema) -> Iterator[str]:
    """The pointers of the attribute `caliper`, generalised."""
    attribute = field.get("caliper", [])
    for pointer in [attribute] if isinstance(attribute, str) else attribute:
        mark = ENVELOPE if pointer.startswith(ENVELOPE) else ""
        yield mark + generalise(pointer.removeprefix(mark))


def value_type(schema: Any) -> Any:
    """The type of a nullable field, null aside."""
    return next(branch for branch in schema if branch != "null") if isinstance(schema, list) else schema


def _walk(record: Schema, path: Sequence[str]) -> KnownField | None:
    field = next((field for field in record["fields"] if field["name"] == path[0]), None)
    if field is None:
        return None
    rest, inner = path[1:], value_type(field["type"])
    while rest and rest[0] == ANY and isinstance(inner, dict) and inner["type"] == "array":
        rest, inner = rest[1:], value_type(inner["items"])
    if rest:
        return _walk(inner, rest) if isinstance(inner, dict) and inner["type"] == "record" else None
    return KnownField(field, field_readers({"fields": [field]})[field["name"]])
