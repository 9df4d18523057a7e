"""Avro types as Python source: what is odd in names, types and texts."""

from typing import Any

import fastavro
import pytest
from fastavro.read import LOGICAL_READERS

from processors.exports.named_types import flatten
from processors.exports.typed_dicts import LOGICAL, Source, docstring
from tests.schema_changes import optional, record, required


def source(*fields: dict[str, Any], **more: str) -> str:
    found: dict[str, Any] = {}
    flatten(fastavro.parse_schema(record(*fields)), found)
    made = Source()
    texts = [made.definition(definition, **more) for definition in found.values()]
    return made.imports() + "\n".join(texts)


def annotations(text: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(f"from __future__ import annotations\n{text}", scope)  # what was generated, as a consumer imports it
    found: dict[str, Any] = scope["Event"].__annotations__
    return {name: getattr(kind, "__forward_arg__", kind) for name, kind in found.items()}


def test_every_logical_type_that_fastavro_reads_is_known() -> None:
    assert LOGICAL.keys() == LOGICAL_READERS.keys()


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        ("string", "str"),
        ("long", "int"),
        ("double", "float"),
        ("boolean", "bool"),
        ("bytes", "bytes"),
        ({"type": "string"}, "str"),
        ({"type": "string", "logicalType": "uuid"}, "UUID"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "datetime"),
        ({"type": "int", "logicalType": "date"}, "date"),
        ({"type": "long", "logicalType": "of-somebody"}, "int"),
        ({"type": "array", "items": ["null", "string"]}, "list[str | None]"),
        ({"type": "map", "values": {"type": "array", "items": "long"}}, "dict[str, list[int]]"),
        (["null", "long", "string"], "int | str | None"),
        (["null", "long", "int"], "int | None"),
        ({"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, "Kind"),
        ({"type": "fixed", "name": "Hash", "size": 16}, "Hash"),
        (["null", {"type": "record", "name": "Inner", "fields": []}], "Inner | None"),
    ],
)
def test_a_type_is_what_is_read(kind: Any, annotation: str) -> None:
    assert annotations(source(required("a", kind))) == {"a": annotation}


@pytest.mark.parametrize("name", ["from", "class", "None", "__secret", "str", "datetime", "list"])
def test_a_name_that_no_class_can_have(name: str) -> None:
    text = source(optional(name), required("at", {"type": "long", "logicalType": "timestamp-millis"}))
    assert "Event = TypedDict(" in text
    assert annotations(text) == {name: "str | None", "at": "datetime"}


def test_the_other_records_stay_classes() -> None:
    text = source(required("inner", {"type": "record", "name": "Inner", "fields": [optional("from")]}))
    assert "Inner = TypedDict(" in text
    assert "class Event(TypedDict):" in text


@pytest.mark.parametrize("name", ["match", "type", "_", "date_"])
def test_a_name_that_only_looks_odd(name: str) -> None:
    text = source(optional(name))
    assert "class Event(TypedDict):" in text
    assert annotations(text) == {name: "str | None"}


def test_a_record_within_itself() -> None:
    text = source(
        optional("next", "canvasbridge.events.Event"), optional("class", "canvasbridge.events.Event")
    )
    assert annotations(text) == {"next": "Event | None", "class": "Event | None"}


def test_an_event_knows_its_name() -> None:
    text = source(required("event_name"), event_name="quizzes.item_created")
    assert annotations(text) == {"event_name": "Literal['quizzes.item_created']"}


@pytest.mark.parametrize(
    "text",
    [
        "Plain.",
        'Ends with a "quote"',
        'Has """ three " quotes',
        "Back\\slash, \\n and \\",
        "Ünicode → ✓",
        "Two\n\nparagraphs.",
        "long " * 60 + "text.",
        '"',
    ],
)
def test_any_text_is_a_docstring(text: str) -> None:
    made = docstring(text, "    ")
    assert all(len(line) <= 100 for line in made.splitlines())
    found = eval(made.strip())
    assert found.split() == text.split()


def test_no_text_is_no_docstring() -> None:
    assert docstring("") == ""
