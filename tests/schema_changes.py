"""Pairs of schemas, and which field of the second FULL compatibility with the first forbids (None: none)."""

from typing import Any, NamedTuple

Schema = dict[str, Any]


class SchemaChange(NamedTuple):
    """`broken`: path of the field that must be named, None where the change is compatible."""

    name: str
    old: Schema
    new: Schema
    broken: str | None


def record(*fields: Schema, name: str = "Event", namespace: str = "canvasbridge.events") -> Schema:
    """A record schema."""
    return {"type": "record", "name": name, "namespace": namespace, "doc": "An event.", "fields": [*fields]}


def required(name: str, kind: Any = "string") -> Schema:
    """A field without default."""
    return {"name": name, "type": kind}


def optional(name: str, kind: Any = "string") -> Schema:
    """A nullable field, default null."""
    return {"name": name, "type": ["null", kind], "default": None}


def _body(*fields: Schema, name: str = "Body") -> Schema:
    return required("body", {"type": "record", "name": name, "fields": [*fields]})


def _enum(*symbols: str, **more: str) -> Schema:
    return required("e", {"type": "enum", "name": "E", "symbols": [*symbols], **more})


A = required("a")
ARRAY = {"type": "array", "items": "string"}
PERSON = {"type": "record", "name": "Person", "fields": [optional("n")]}
TALLER_PERSON = {"type": "record", "name": "Person", "fields": [optional("n"), required("height", "long")]}

CHANGES = [
    SchemaChange("nothing", record(A), record(A), None),
    SchemaChange("optional field added", record(A), record(A, optional("b")), None),
    SchemaChange("optional field removed", record(A, optional("b")), record(A), None),
    SchemaChange("fields in another order", record(A, optional("b")), record(optional("b"), A), None),
    SchemaChange("documentation", record(A), record({**A, "doc": "Another text."}), None),
    SchemaChange("default", record({**A, "default": "x"}), record({**A, "default": "y"}), None),
    SchemaChange(
        "logical type",
        record(optional("t", "long")),
        record(optional("t", {"type": "long", "logicalType": "timestamp-millis"})),
        None,
    ),
    SchemaChange("another namespace", record(A), record(A, namespace="elsewhere"), None),
    SchemaChange("bytes for string", record(A), record(required("a", "bytes")), None),
    SchemaChange("optional in the body", record(_body(A)), record(_body(A, optional("b"))), None),
    SchemaChange(
        "int beside long",
        record(optional("a", "long")),
        record({"name": "a", "type": ["null", "long", "int"], "default": None}),
        None,
    ),
    SchemaChange(
        "enum with default grows", record(_enum("X", default="X")), record(_enum("X", "Y", default="X")), None
    ),
    SchemaChange("required field added", record(A), record(A, required("b")), "/b"),
    SchemaChange("required field removed", record(A, required("b")), record(A), "/b"),
    SchemaChange("required field renamed", record(A), record(required("b")), "/b"),
    SchemaChange("required in the body", record(_body(A)), record(_body(A, required("z"))), "/body/z"),
    SchemaChange("string to long", record(A), record(required("a", "long")), "/a"),
    SchemaChange("long to double", record(optional("a", "long")), record(optional("a", "double")), "/a"),
    SchemaChange("nullable to required", record(optional("a")), record({**A, "default": ""}), "/a"),
    SchemaChange(
        "one type more",
        record(optional("a")),
        record({"name": "a", "type": ["null", "string", "long"], "default": None}),
        "/a",
    ),
    SchemaChange("enum grows", record(_enum("X")), record(_enum("X", "Y")), "/e"),
    SchemaChange("enum shrinks", record(_enum("X", "Y")), record(_enum("X")), "/e"),
    SchemaChange("array to string", record(optional("a", ARRAY)), record(optional("a")), "/a"),
    SchemaChange(
        "items of an array",
        record(optional("a", ARRAY)),
        record(optional("a", {**ARRAY, "items": "long"})),
        "/a/*",
    ),
    SchemaChange(
        "values of a map",
        record(required("m", {"type": "map", "values": "string"})),
        record(required("m", {"type": "map", "values": "long"})),
        "/m/*",
    ),
    SchemaChange("another name", record(A), record(A, name="Other"), "/"),
    SchemaChange("another name of the body", record(_body(A)), record(_body(A, name="Text")), "/body"),
    SchemaChange(
        "a shared type, used twice",
        record(optional("one", PERSON), optional("two", "canvasbridge.events.Person")),
        record(optional("one", TALLER_PERSON), optional("two", "canvasbridge.events.Person")),
        "/one/height",
    ),
]
