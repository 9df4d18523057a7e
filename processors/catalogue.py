"""The catalogue: every .avsc of avro/, read once at start, with all that our attributes say.

The attributes (avro/README.md) drive the conversion; they are stripped from what is registered, so editing
them mints no schema version.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fastavro

from processors.caliper_rules import CaliperField, CaliperMatch, caliper_fields, caliper_matches
from processors.field_readers import field_readers
from processors.names import TopicNames
from processors.values import Reader

Schema = dict[str, Any]

# What Avro 1.11 defines; everything else is an attribute of ours.
_AVRO_KEYS = frozenset(
    {"type", "name", "namespace", "doc", "aliases", "fields", "symbols", "default", "items", "values"}
    | {"size", "order", "logicalType", "precision", "scale"}
)


def schema_folder() -> Path:
    """The schemas that came with this package: in a wheel, or in the checkout."""
    packaged = Path(__file__).parent / "avsc"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "avro"


@dataclass(frozen=True)
class EventType:
    """One event name: its schema with our attributes, shared types inlined, and what follows from them."""

    name: str
    schema: Schema

    @cached_property
    def registered(self) -> Schema:
        """What the registry gets: self-contained Avro without our attributes."""
        stripped: Schema = _strip(self.schema)
        return stripped

    @cached_property
    def parsed(self) -> Any:
        """The schema as fastavro wants it for writing."""
        return fastavro.parse_schema(self.registered)

    @cached_property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """Where the record's Kafka key may stand, in order of preference."""
        pointers = self.schema.get("canvas", {}).get("key", [])
        return tuple(tuple(pointer.split("/")[1:]) for pointer in pointers)

    @cached_property
    def metadata(self) -> Mapping[str, Reader]:
        """A reader per field of the metadata."""
        return field_readers(self._section("metadata"))

    @cached_property
    def body(self) -> Mapping[str, Reader]:
        """A reader per field of the body."""
        return field_readers(self._section("body"))

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Other keys Canvas has used for a body field: alias -> field."""
        fields = self._section("body")["fields"]
        return {alias: field["name"] for field in fields for alias in field.get("aliases", [])}

    @cached_property
    def caliper_fields(self) -> Mapping[str, tuple[CaliperField, ...]]:
        """For `metadata` and `body`: which Caliper paths fill which field."""
        return {name: caliper_fields(self._section(name)) for name in ("metadata", "body")}

    @cached_property
    def caliper_matches(self) -> tuple[CaliperMatch, ...]:
        """What a Caliper event looks like that is this event; empty where Canvas has no Caliper form."""
        return caliper_matches(self.schema.get("caliper", []))

    def _section(self, name: str) -> Schema:
        section: Schema = next(field["type"] for field in self.schema["fields"] if field["name"] == name)
        return section


@dataclass(frozen=True)
class Catalogue:
    """Every event type by name, the record of unknown events, and the rollups by name."""

    events: Mapping[str, EventType]
    unknown: EventType
    rollups: Mapping[str, EventType]

    def by_topic(self, names: TopicNames) -> dict[str, EventType]:
        """Topic -> what its values are: typed topics, unknown, rollups."""
        return {
            **{names.typed(name): event_type for name, event_type in self.events.items()},
            names.unknown: self.unknown,
            **{names.rollup(name): event_type for name, event_type in self.rollups.items()},
        }

    @cached_property
    def _matches(self) -> Mapping[Any, list[tuple[CaliperMatch, str]]]:
        by_action: dict[Any, list[tuple[CaliperMatch, str]]] = {}
        for name, event_type in self.events.items():
            for match in event_type.caliper_matches:
                for action in match.actions:
                    by_action.setdefault(action, []).append((match, name))
        for matches in by_action.values():
            matches.sort(key=lambda item: -item[0].conditions)
        return by_action

    def infer(self, caliper_event: Mapping[str, Any]) -> str | None:
        """The Canvas name of a Caliper event, by the most specific match; None where none holds."""
        action = caliper_event.get("action")
        candidates = self._matches.get(action, []) if isinstance(action, str) else []
        return next((name for match, name in candidates if match.holds(caliper_event)), None)


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Reads the folder (default: the schemas that came with this package).

    Raises ValueError that names the file where one is not a valid schema.
    """
    folder = folder or schema_folder()
    types = {f"{schema['namespace']}.{schema['name']}": schema for _, schema in _read(folder / "types")}
    return Catalogue(
        events={name: EventType(name, inline(schema, types)) for name, schema in _read(folder / "events")},
        unknown=next(EventType(name, inline(schema, types)) for name, schema in _read(folder, "unknown")),
        rollups={name: EventType(name, inline(schema, types)) for name, schema in _read(folder / "rollups")},
    )


def _read(folder: Path, stem: str = "*") -> Iterator[tuple[str, Schema]]:
    for path in sorted(folder.glob(f"{stem}.avsc")):
        try:
            schema: Schema = json.loads(path.read_text("utf-8"))
            if not isinstance(schema, dict) or "name" not in schema:
                raise ValueError("a named Avro type was expected")
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        yield path.stem, schema


def inline(schema: Any, types: Mapping[str, Schema], seen: set[str] | None = None) -> Any:
    """Puts a shared type (by full name) where it is first used; Avro refers to it by name afterwards."""
    seen = set() if seen is None else seen
    if isinstance(schema, str) and schema in types and schema not in seen:
        seen.add(schema)
        return inline(types[schema], types, seen)
    if isinstance(schema, list):
        return [inline(branch, types, seen) for branch in schema]
    if isinstance(schema, dict):
        nested = {"type", "items", "values"}
        return {
            key: [inline(field, types, seen) for field in value]
            if key == "fields"
            else inline(value, types, seen)
            if key in nested
            else value
            for key, value in schema.items()
        }
    return schema


def _strip(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strip(branch) for branch in schema]
    if isinstance(schema, dict):
        return {
            key: value if key in ("default", "doc") else _strip(value)
            for key, value in schema.items()
            if key in _AVRO_KEYS
        }
    return schema
