"""What we rely on of the registry's API, asked of every engine: so the embedded one is proved like the real one.

Kept to what Confluent's own registry has too. Schema texts are compared parsed: no registry promises their bytes.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext


def record(*fields: dict[str, Any], name: str = "Thing") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "contract", "fields": list(fields)}


def field(name: str, of: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Colour", "symbols": list(symbols), **more}


def avro(document: Any) -> Schema:
    return Schema(document if isinstance(document, str) else json.dumps(document), "AVRO")


def nullable(of: Any) -> list[Any]:
    return ["null", of]


ONE = record(field("id"))
TWO = record(field("id"), field("note", nullable("string"), default=None))
OTHER = record(field("id", "long"))
INNER = record(field("a", nullable("long"), default=None), name="Inner")
INNER_GROWN = record(*INNER["fields"], field("b", nullable("long"), default=None), name="Inner")
TREE = record(field("next", nullable("contract.Thing"), default=None))
TREE_GROWN = record(*TREE["fields"], field("note", nullable("string"), default=None))

# what changes: level, old, new, whether the new one may be registered
CHANGES: dict[str, tuple[str, Any, Any, bool]] = {
    "a nullable field is added": ("FULL_TRANSITIVE", ONE, TWO, True),
    "a nullable field goes": ("FULL_TRANSITIVE", TWO, ONE, True),
    "a field without default is added": ("FULL_TRANSITIVE", ONE, record(*ONE["fields"], field("b")), False),
    "a field without default goes": ("FULL_TRANSITIVE", record(*ONE["fields"], field("b")), ONE, False),
    "a field without default is added, forward": ("FORWARD", ONE, record(*ONE["fields"], field("b")), True),
    "a field without default goes, backward": ("BACKWARD", record(*ONE["fields"], field("b")), ONE, True),
    "a type changes": ("FULL_TRANSITIVE", ONE, OTHER, False),
    "a type changes, nothing checked": ("NONE", ONE, OTHER, True),
    "int becomes long, backward": ("BACKWARD", record(field("n", "int")), record(field("n", "long")), True),
    "int becomes long, full": ("FULL", record(field("n", "int")), record(field("n", "long")), False),
    "long becomes int, backward": ("BACKWARD", record(field("n", "long")), record(field("n", "int")), False),
    "long becomes double, backward": (
        "BACKWARD",
        record(field("n", "long")),
        record(field("n", "double")),
        True,
    ),
    "string becomes bytes, full": ("FULL", record(field("n")), record(field("n", "bytes")), True),
    "a field becomes nullable, backward": (
        "BACKWARD",
        ONE,
        record(field("id", nullable("string"))),
        True,
    ),
    "a field becomes nullable, full": ("FULL", ONE, record(field("id", nullable("string"))), False),
    "a union grows, backward": (
        "BACKWARD",
        record(field("v", ["null", "long"])),
        record(field("v", ["null", "long", "string"])),
        True,
    ),
    "a union grows, forward": (
        "FORWARD",
        record(field("v", ["null", "long"])),
        record(field("v", ["null", "long", "string"])),
        False,
    ),
    "a union's order changes": (
        "FULL",
        record(field("v", ["null", "long"])),
        record(field("v", ["long", "null"])),
        True,
    ),
    "a logical type is added": (
        "FULL",
        record(field("t", "long")),
        record(field("t", {"type": "long", "logicalType": "timestamp-millis"})),
        True,
    ),
    "a symbol is added, backward": (
        "BACKWARD",
        record(field("c", enum("RED"))),
        record(field("c", enum("RED", "BLUE"))),
        True,
    ),
    "a symbol is added, full": (
        "FULL",
        record(field("c", enum("RED"))),
        record(field("c", enum("RED", "BLUE"))),
        False,
    ),
    "a symbol is added to an enum with a default": (
        "FULL",
        record(field("c", enum("RED", default="RED"))),
        record(field("c", enum("RED", "BLUE", default="RED"))),
        True,
    ),
    "an array's items change": (
        "FULL",
        record(field("l", {"type": "array", "items": "string"})),
        record(field("l", {"type": "array", "items": "long"})),
        False,
    ),
    "a map's values are promoted, backward": (
        "BACKWARD",
        record(field("m", {"type": "map", "values": "int"})),
        record(field("m", {"type": "map", "values": "double"})),
        True,
    ),
    "a nested record grows": (
        "FULL_TRANSITIVE",
        record(field("inner", nullable(INNER), default=None)),
        record(field("inner", nullable(INNER_GROWN), default=None)),
        True,
    ),
    "a nested record is renamed": (
        "BACKWARD",
        record(field("inner", INNER)),
        record(field("inner", {**INNER, "name": "Other"})),
        False,
    ),
    "a nested record is renamed with an alias, backward": (
        "BACKWARD",
        record(field("inner", INNER)),
        record(field("inner", {**INNER, "name": "Other", "aliases": ["Inner"]})),
        True,
    ),
    "a field is renamed with an alias, backward": (
        "BACKWARD",
        ONE,
        record(field("key", aliases=["id"])),
        True,
    ),
    "a recursive record grows": ("FULL_TRANSITIVE", TREE, TREE_GROWN, True),
    "a recursive record changes": (
        "FULL_TRANSITIVE",
        TREE_GROWN,
        record(*TREE["fields"], field("note", nullable("long"), default=None)),
        False,
    ),
    "a fixed changes its size": (
        "FULL",
        record(field("f", {"type": "fixed", "name": "F", "size": 4})),
        record(field("f", {"type": "fixed", "name": "F", "size": 8})),
        False,
    ),
}


@pytest.fixture
def subject(registry: SchemaRegistryClient, topic_prefix: str) -> Iterator[str]:
    name = f"{topic_prefix}thing-value"
    yield name
    if name in registry.get_subjects():
        registry.delete_subject(name)
    if name in registry.get_subjects(deleted=True):
        registry.delete_subject(name, permanent=True)


def test_what_is_registered_can_be_found(registry: SchemaRegistryClient, subject: str) -> None:
    schema_id = registry.register_schema(subject, avro(TWO))
    assert json.loads(registry.get_schema(schema_id).schema_str or "") == TWO
    latest = registry.get_latest_version(subject)
    assert (latest.subject, latest.version, latest.schema_id) == (subject, 1, schema_id)
    assert json.loads(latest.schema.schema_str or "") == TWO
    assert registry.get_version(subject, 1).schema_id == schema_id
    assert registry.get_versions(subject) == [1]
    assert subject in registry.get_subjects()


def test_registering_again_changes_nothing(registry: SchemaRegistryClient, subject: str) -> None:
    first = registry.register_schema(subject, avro(ONE))
    registry.clear_caches()
    spaced = json.dumps({name: ONE[name] for name in ("name", "namespace", "fields", "type")}, indent=4)
    assert registry.register_schema(subject, avro(spaced), normalize_schemas=True) == first
    assert registry.get_versions(subject) == [1]


def test_a_new_schema_is_a_new_version_with_another_id(registry: SchemaRegistryClient, subject: str) -> None:
    first = registry.register_schema(subject, avro(ONE))
    second = registry.register_schema(subject, avro(TWO))
    assert first != second
    assert registry.get_versions(subject) == [1, 2]
    assert registry.get_latest_version(subject).schema_id == second
    assert registry.get_version(subject, 1).schema_id == first


@pytest.mark.parametrize("normalize", [False, True])
def test_a_schema_can_be_looked_up(registry: SchemaRegistryClient, subject: str, normalize: bool) -> None:
    registry.register_schema(subject, avro(ONE))
    schema_id = registry.register_schema(subject, avro(TWO))
    registry.clear_caches()
    found = registry.lookup_schema(subject, avro(TWO), normalize_schemas=normalize)
    assert (found.subject, found.version, found.schema_id) == (subject, 2, schema_id)


def test_what_is_not_there_is_said_with_confluents_codes(
    registry: SchemaRegistryClient, subject: str
) -> None:
    assert _refusal(lambda: registry.lookup_schema(subject, avro(ONE))) == (404, 40401)
    assert _refusal(lambda: registry.get_versions(subject)) == (404, 40401)
    assert _refusal(lambda: registry.get_latest_version(subject)) == (404, 40401)
    assert _refusal(lambda: registry.delete_subject(subject)) == (404, 40401)
    assert _refusal(lambda: registry.get_schema(999_999_999)) == (404, 40403)
    registry.register_schema(subject, avro(ONE))
    assert _refusal(lambda: registry.lookup_schema(subject, avro(TWO))) == (404, 40403)
    assert _refusal(lambda: registry.get_version(subject, 99)) == (404, 40402)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"type": "nonsense"}',
        '{"type": "record", "name": "Thing"}',
        json.dumps(record(field("a"), field("a"))),
        json.dumps(record(field("a-b"))),
        json.dumps(record(field("a", ["null", "null"]))),
        json.dumps(record(field("a", "contract.Missing"))),
    ],
)
def test_what_is_no_schema_is_refused(registry: SchemaRegistryClient, subject: str, text: str) -> None:
    assert _refusal(lambda: registry.register_schema(subject, avro(text))) == (422, 42201)
    assert subject not in registry.get_subjects()


@pytest.mark.parametrize("change", CHANGES)
def test_a_level_decides_what_may_follow(registry: SchemaRegistryClient, subject: str, change: str) -> None:
    level, old, new, allowed = CHANGES[change]
    registry.register_schema(subject, avro(old))
    registry.set_compatibility(subject, level)
    assert registry.test_compatibility(subject, avro(new)) is allowed
    assert registry.test_compatibility_all_versions(subject, avro(new)) is allowed
    if allowed:
        registry.register_schema(subject, avro(new))
        assert registry.get_versions(subject) == [1, 2]
    else:
        assert _refusal(lambda: registry.register_schema(subject, avro(new)))[0] == 409
        assert registry.get_versions(subject) == [1]


@pytest.mark.parametrize(("level", "allowed"), [("FULL", True), ("FULL_TRANSITIVE", False)])
def test_transitive_levels_look_at_every_version(
    registry: SchemaRegistryClient, subject: str, level: str, allowed: bool
) -> None:
    registry.register_schema(subject, avro(record(field("note", nullable("long"), default=None))))
    registry.set_compatibility(subject, "NONE")
    registry.register_schema(subject, avro(ONE))
    registry.set_compatibility(subject, level)
    assert registry.test_compatibility(subject, avro(TWO)) is True  # with the latest
    if allowed:
        registry.register_schema(subject, avro(TWO))
    else:
        assert registry.test_compatibility_all_versions(subject, avro(TWO)) is False
        assert _refusal(lambda: registry.register_schema(subject, avro(TWO)))[0] == 409
    assert registry.get_versions(subject) == ([1, 2, 3] if allowed else [1, 2])


def test_the_global_level_holds_for_a_new_subject(registry: SchemaRegistryClient, subject: str) -> None:
    assert registry.get_compatibility() == "FULL_TRANSITIVE"
    registry.register_schema(subject, avro(ONE))
    assert _refusal(lambda: registry.register_schema(subject, avro(OTHER)))[0] == 409


def test_a_subject_may_have_a_level_of_its_own(registry: SchemaRegistryClient, subject: str) -> None:
    registry.register_schema(subject, avro(ONE))
    registry.set_compatibility(subject, "BACKWARD")
    assert registry.get_compatibility(subject) == "BACKWARD"
    assert registry.get_compatibility() == "FULL_TRANSITIVE"
    assert _refusal(lambda: registry.set_compatibility(subject, "SIDEWAYS"))[0] == 422


def test_a_deleted_subject_is_gone_and_may_begin_anew(registry: SchemaRegistryClient, subject: str) -> None:
    registry.register_schema(subject, avro(ONE))
    registry.register_schema(subject, avro(TWO))
    assert registry.delete_subject(subject) == [1, 2]
    assert subject not in registry.get_subjects()
    assert registry.delete_subject(subject, permanent=True) == [1, 2]
    registry.clear_caches()
    registry.register_schema(subject, avro(OTHER))
    assert registry.get_versions(subject) == [1]


def test_the_stock_serialisers_meet_through_it(
    registry: SchemaRegistryClient, topic_prefix: str, subject: str
) -> None:
    context = SerializationContext(f"{topic_prefix}thing", MessageField.VALUE)
    value = {"id": "1", "note": None}
    wire = AvroSerializer(registry, json.dumps(TWO))(value, context)
    assert wire is not None
    assert wire[0] == 0
    assert int.from_bytes(wire[1:5], "big") == registry.get_latest_version(subject).schema_id
    registry.clear_caches()
    assert AvroDeserializer(registry)(wire, context) == value


def _refusal(call: Any) -> tuple[int, int]:
    with pytest.raises(SchemaRegistryError) as refused:
        call()
    return refused.value.http_status_code, refused.value.error_code
