"""The embedded registry's reading of schemas, and its verdicts on their changes."""

import json
from typing import Any

import pytest

from bridge.sandbox.engines.registry.avro_schema import InvalidSchema, parse_schema
from bridge.sandbox.engines.registry.compatibility import LEVELS, incompatibilities, violations
from tests.registry_verdicts import CHANGES, ONE, OTHER, TWO, enum, field, record


def parsed(document: Any) -> Any:
    return parse_schema(json.dumps(document))


@pytest.mark.parametrize("change", CHANGES)
def test_a_level_decides_what_may_follow(change: str) -> None:
    level, old, new, allowed = CHANGES[change]
    assert (violations(level, parsed(new), [parsed(old)]) == []) is allowed


@pytest.mark.parametrize("level", LEVELS)
def test_a_schema_may_follow_itself_and_nothing(level: str) -> None:
    for _, old, new, _ in CHANGES.values():
        assert violations(level, parsed(old), []) == []
        assert violations(level, parsed(new), [parsed(new)]) == []


def test_an_incompatibility_names_kind_place_and_cause() -> None:
    (found,) = incompatibilities(parsed(record(field("a"), field("b"))), parsed(record(field("a"))))
    assert (found.kind, found.path) == ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/1")
    assert "field b has no default" in str(found)


def test_every_incompatibility_is_named() -> None:
    reader = parsed(record(field("a", "long"), field("c", enum("RED"))))
    writer = parsed(record(field("a"), field("c", enum("RED", "BLUE"))))
    kinds = [(found.kind, found.path) for found in incompatibilities(reader, writer)]
    assert kinds == [("TYPE_MISMATCH", "/fields/0/type"), ("MISSING_ENUM_SYMBOLS", "/fields/1/type/symbols")]


def test_only_transitive_levels_look_behind_the_latest() -> None:
    versions = [parsed(OTHER), parsed(ONE)]
    assert violations("FULL", parsed(TWO), versions) == []
    assert violations("FULL_TRANSITIVE", parsed(TWO), versions) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"string"', "string"),
        ('{"type": "string"}', '"string"'),
        (json.dumps(ONE), json.dumps(dict(reversed(ONE.items())), indent=2)),
        (
            json.dumps(ONE),
            json.dumps({**{k: v for k, v in ONE.items() if k != "namespace"}, "name": "contract.Thing"}),
        ),
    ],
)
def test_spelling_is_not_identity(one: str, other: str) -> None:
    assert parse_schema(one).identity == parse_schema(other).identity


@pytest.mark.parametrize("more", [{"doc": "text"}, {"aliases": ["Old"]}, {"owner": "us"}, {"name": "Other"}])
def test_content_is_identity(more: dict[str, Any]) -> None:
    assert parsed({**ONE, **more}).identity != parsed(ONE).identity


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "unknown type"),
        ("3", "not an Avro schema"),
        ("{}", "'type' is missing"),
        ('{"type": "nonsense"}', "unknown type"),
        ('{"type": "array"}', "'items' is missing"),
        ('{"type": "record", "name": "Thing"}', "Thing has no fields"),
        ('{"type": "array", "items": {"type": "record", "name": "Inner"}}', "Inner has no fields"),
        (json.dumps(record(field("a"), field("a"))), "duplicate field a"),
        (json.dumps(record(field("a-b"))), "illegal name: a-b"),
        (json.dumps({**ONE, "name": "1st"}), "illegal name"),
        (json.dumps(record(field("a", ["null", "null"]))), "duplicate in union: null"),
        ('["int", ["string"]]', "nested union"),
        (json.dumps(record(field("a", "contract.Missing"))), "contract.Missing"),
        (json.dumps(record(field("a", "int", default="x"))), "Default value"),
        (json.dumps(record(field("c", enum("A", "A")))), "unique"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_cause(text: str, cause: str) -> None:
    with pytest.raises(InvalidSchema, match=cause):
        parse_schema(text)
