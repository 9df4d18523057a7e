"""The released sets: avro/released/<version>.json, each with the schemas that were new or changed in it.

All files together are the history of every schema, so a release is a small diff.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from processors.catalogue import Catalogue, Schema, inline

_INDENT = " "
_TYPES = ("fields", "type", "items", "values")  # where an Avro schema has types inside


@dataclass(frozen=True, slots=True)
class Released:
    """A schema as one release has it."""

    version: Version
    schema: Schema


History = Mapping[str, list[Released]]


def schemas_of(catalogue: Catalogue) -> dict[str, Schema]:
    """What is registered of a catalogue: event name, `unknown` or `rollup.<name>` -> schema.

    Raises ValueError where two have one name.
    """
    named = [
        *catalogue.events.items(),
        ("unknown", catalogue.unknown),
        *((f"rollup.{name}", event_type) for name, event_type in catalogue.rollups.items()),
    ]
    schemas = {name: event_type.registered for name, event_type in named}
    if len(schemas) < len(named):
        raise ValueError("an event may not be called `unknown`, nor as a rollup with `rollup.` before it")
    return schemas


def versions(avro: Path) -> dict[Version, Path]:
    """The files of the released sets by version, oldest first.

    Raises ValueError where a name is no version, or two are the same.
    """
    found: dict[Version, Path] = {}
    for path in sorted((avro / "released").glob("*.json")):
        version = parse_version(path.stem)
        if found.setdefault(version, path) != path:
            raise ValueError(f"{path} and {found[version]} are the same version")
    return dict(sorted(found.items()))


def read_history(avro: Path) -> dict[str, list[Released]]:
    """Every released version of every schema, oldest first. Raises ValueError that names a broken file."""
    history: dict[str, list[Released]] = {}
    for version, path in versions(avro).items():
        try:
            released = json.loads(path.read_text("utf-8"))
            for name, schema in released["schemas"].items():
                history.setdefault(name, []).append(Released(version, inline(schema, released["types"])))
        except (ValueError, AttributeError, LookupError, TypeError) as error:
            raise ValueError(f"{path} is not a released set: {error}") from None
    return history


def write_release(avro: Path, version: Version, schemas: Mapping[str, Schema]) -> Path:
    """Writes a released set; the file appears whole or not at all."""
    path = avro / "released" / f"{version}.json"
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(layout(_share(schemas)) + "\n", "utf-8", newline="\n")
    unfinished.replace(path)
    return path


def _share(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The schemas with the types they share put once beside them; `inline` undoes it."""
    types: dict[str, Schema] = {}
    differing: set[str] = set()
    for schema in schemas.values():
        for name, definition in _shared_types(schema).items():
            if types.setdefault(name, definition) != definition:
                differing.add(name)
    types = {name: definition for name, definition in types.items() if name not in differing}
    return {"types": types, "schemas": {name: _refer(schema, types) for name, schema in schemas.items()}}


def _shared_types(schema: Any) -> dict[str, Schema]:
    """The types inside a schema that have a namespace of their own, by full name; not those inside them."""
    found: dict[str, Schema] = {}
    for inner in _inside(schema):
        found |= {_full_name(inner): inner} if "namespace" in inner else _shared_types(inner)
    return found


def _refer(schema: Any, types: Mapping[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_refer(branch, types) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    if "namespace" in schema and _full_name(schema) in types:
        return _full_name(schema)
    return {key: _refer(value, types) if key in _TYPES else value for key, value in schema.items()}


def _inside(schema: Any) -> Iterator[Any]:
    """The types directly inside a type that are no mere names."""
    parts = schema if isinstance(schema, list) else [schema.get(key) for key in _TYPES]
    for part in parts:
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, dict):
                yield inner


def _full_name(schema: Schema) -> str:
    return f"{schema['namespace']}.{schema['name']}"


def parse_version(text: str) -> Version:
    """A version by PEP 440; 1.0 and 1.0.0 are the same. Raises ValueError."""
    try:
        return Version(text)
    except InvalidVersion:
        raise ValueError(f"{text!r} is not a version such as 1.4.0 (PEP 440)") from None


def layout(value: Any, depth: int = 0) -> str:
    """JSON with sorted keys and a line per field, so that a diff of it names the fields that changed."""
    if depth and not _holds_record(value):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, list):
        return _lines("[]", [layout(item, depth + 1) for item in value], depth)
    items = [f"{json.dumps(key)}: {_member(key, item, depth + 1)}" for key, item in sorted(value.items())]
    return _lines("{}", items, depth)


def _member(key: str, value: Any, depth: int) -> str:
    if key == "fields" and isinstance(value, list):
        return _lines("[]", [layout(field, depth + 1) for field in value], depth)
    return layout(value, depth)


def _holds_record(value: Any) -> bool:
    if isinstance(value, dict):
        return "fields" in value or any(map(_holds_record, value.values()))
    return isinstance(value, list) and any(map(_holds_record, value))


def _lines(brackets: str, items: list[str], depth: int) -> str:
    inner = ",\n".join(_INDENT * (depth + 1) + item for item in items)
    return f"{brackets[0]}\n{inner}\n{_INDENT * depth}{brackets[1]}" if items else brackets
