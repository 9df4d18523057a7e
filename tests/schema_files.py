"""The files of avro/ as they are written, and ways to walk them; processors/catalogue.py is not asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro

Schema = dict[str, Any]

AVRO = Path(__file__).parent.parent / "avro"
NAMESPACE = "canvasbridge.events"
EVENTS = sorted((AVRO / "events").glob("*.avsc"))
TYPES = sorted((AVRO / "types").glob("*.avsc"))
FILES = [*EVENTS, *TYPES, AVRO / "unknown.avsc"]


def read(path: Path) -> Schema:
    """The schema in a file, with our attributes."""
    schema: Schema = json.loads(path.read_text("utf-8"))
    return schema


SHARED = {f"{NAMESPACE}.{path.stem}": read(path) for path in TYPES}


def parse(schema: Schema) -> Any:
    """The schema as fastavro reads it, with the shared types known."""
    known: dict[str, Any] = {}
    for shared in SHARED.values():
        if shared["name"] != schema["name"]:
            fastavro.parse_schema(shared, named_schemas=known)
    return fastavro.parse_schema(schema, named_schemas=known)


def branches(schema: Any) -> list[Any]:
    """The branches of a union; a type that is no union is its own only branch."""
    return schema if isinstance(schema, list) else [schema]


def record_of(schema: Any) -> Schema | None:
    """The record a field holds, whether defined on the spot or shared; None for a leaf."""
    for branch in branches(schema):
        found = SHARED.get(branch) if isinstance(branch, str) else branch
        if isinstance(found, dict) and found["type"] == "record":
            return found
    return None


def fields(schema: Any) -> Iterator[Schema]:
    """Every field defined in a schema's own file, at any depth."""
    for branch in branches(schema):
        if isinstance(branch, dict):
            for field in branch.get("fields", []):
                yield field
                yield from fields(field["type"])
            yield from fields(branch.get("items"))


def leaves(schema: Any) -> Iterator[Schema]:
    """Those of them that hold a value, not a record."""
    return (field for field in fields(schema) if record_of(field["type"]) is None)


def avro_type(leaf: Schema) -> tuple[str, str | None]:
    """The Avro type of a leaf, null aside, and its logical type."""
    branch = next(branch for branch in branches(leaf["type"]) if branch != "null")
    return (branch["type"], branch.get("logicalType")) if isinstance(branch, dict) else (branch, None)


def body(path: Path) -> Schema:
    """The record of an event's body."""
    schema: Schema = next(field["type"] for field in read(path)["fields"] if field["name"] == "body")
    return schema


def field_at(path: Path, pointer: str) -> Schema:
    """The field that a JSON pointer into the canonical record means. Raises KeyError where there is none."""
    found: Schema = {"type": read(path)}
    for segment in pointer.split("/")[1:]:
        record = record_of(found["type"]) or {"fields": []}
        found = {field["name"]: field for field in record["fields"]}[segment]
    return found


def caliper_pointers(field: Schema) -> list[str]:
    """The Caliper pointers of a field, in their order."""
    found = field.get("caliper", [])
    return [found] if isinstance(found, str) else found
