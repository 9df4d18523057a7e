"""The `caliper` attributes of a schema: which Caliper event it is, and which path fills which field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from processors.records import Json

URN = "urn:instructure:canvas:"
ENVELOPE = "envelope:"

Path = tuple[str, ...]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Json = _Absent()


def resolve(document: Json, path: Path) -> Json:
    """The value at a path, or ABSENT. A plain string stands for an entity of that id (older Caliper)."""
    value = document
    for position, segment in enumerate(path):
        if isinstance(value, dict):
            value = value.get(segment, ABSENT)
        elif isinstance(value, list) and segment.isdigit() and int(segment) < len(value):
            value = value[int(segment)]
        elif isinstance(value, str) and segment == "id" and position == len(path) - 1:
            return value
        else:
            return ABSENT
        if value is ABSENT:
            return ABSENT
    return value


def parse_pointer(pointer: str) -> Path:
    """A JSON pointer (RFC 6901) as its segments. Raises ValueError where it does not begin with a slash."""
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON pointer: it must begin with /")
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/"))


@dataclass(frozen=True, slots=True)
class CaliperMatch:
    """One form of a Caliper event: for each path the values it may have there."""

    rules: tuple[tuple[Path, tuple[Json, ...]], ...]

    @property
    def conditions(self) -> int:
        """How specific the match is."""
        return len(self.rules)

    @property
    def actions(self) -> tuple[Json, ...]:
        """The Caliper actions it asks for."""
        return next(allowed for path, allowed in self.rules if path == ("action",))

    def holds(self, event: Mapping[str, Json]) -> bool:
        """Whether the Caliper event has this form."""
        return all(_allowed(resolve(event, path), allowed) for path, allowed in self.rules)


@dataclass(frozen=True, slots=True)
class CaliperField:
    """The paths that fill a field, in order, each with its pointer; `id_kind` is None, canvas or foreign."""

    name: str
    paths: tuple[tuple[Path, str], ...]
    id_kind: str | None
    of_envelope: bool = False


def caliper_matches(attribute: Iterable[Mapping[str, list[Json]]]) -> tuple[CaliperMatch, ...]:
    """The record attribute `caliper`: a list of alternatives."""
    return tuple(
        CaliperMatch(tuple((parse_pointer(pointer), tuple(allowed)) for pointer, allowed in match.items()))
        for match in attribute
    )


def caliper_fields(record: Mapping[str, Any]) -> tuple[CaliperField, ...]:
    """The fields of a record schema that have a `caliper` attribute."""
    return tuple(_caliper_field(field) for field in record["fields"] if "caliper" in field)


def _caliper_field(field: Mapping[str, Any]) -> CaliperField:
    attribute = field["caliper"]
    pointers = [attribute] if isinstance(attribute, str) else attribute
    of_envelope = pointers[0].startswith(ENVELOPE)
    bare = [pointer.removeprefix(ENVELOPE) for pointer in pointers]
    paths = tuple((parse_pointer(pointer), pointer) for pointer in bare)
    return CaliperField(field["name"], paths, field.get("id"), of_envelope)


def _allowed(value: Json, allowed: tuple[Json, ...]) -> bool:
    if value is ABSENT or value is None:
        return None in allowed
    return any(
        value == option or (isinstance(option, str) and option.startswith(URN) and _is_of_kind(value, option))
        for option in allowed
        if option is not None
    )


def _is_of_kind(value: Json, kind: str) -> bool:
    return isinstance(value, str) and value.rpartition(":")[0] == kind
