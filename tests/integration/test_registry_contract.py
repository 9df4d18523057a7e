"""What we rely on of a registry's API, asked of every engine: the embedded one is proved like the real one.

Kept to what Confluent's own registry has too. Schema texts are compared parsed: their bytes are no promise.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.registries import subjects_of
from tests.registry_verdicts import CHANGES, ONE, OTHER, TWO, field, nullable, record


def avro(document: Any) -> Schema:
    return Schema(document if isinstance(document, str) else json.dumps(document), "AVRO")


@pytest.fixture
def subject(registry: SchemaRegistryClient, topic_prefix: str) -> Iterator[str]:
    name = f"{topic_prefix}thing-value"
    yield name
    if name in subjects_of(registry):
        registry.delete_subject(name)
    if name in subjects_of(registry, deleted=True):
        registry.delete_subject(name, permanent=True)


def test_what_is_registered_can_be_found(registry: SchemaRegistryClient, subject: str) -> None:
    schema_id = registry.register_schema(subject, avro(TWO))
    assert json.loads(registry.get_schema(schema_id).schema_str or "") == TWO
    latest = registry.get_latest_version(subject)
    assert (latest.subject, latest.version, latest.schema_id) == (subject, 1, schema_id)
    assert json.loads(latest.schema.schema_str or "") == TWO
    assert registry.get_version(subject, 1).schema_id == schema_id
    assert registry.get_versions(subject) == [1]
    assert subject in subjects_of(registry)


def test_registering_again_changes_nothing(registry: SchemaRegistryClient, subject: str) -> None:
    first = registry.register_schema(subject, avro(ONE))
    forget(registry)
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
def test_a_schema_can_be_looked_up(registry: SchemaRegistryClient, subject: str, *, normalize: bool) -> None:
    registry.register_schema(subject, avro(ONE))
    schema_id = registry.register_schema(subject, avro(TWO))
    forget(registry)
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
    assert subject not in subjects_of(registry)


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
    registry: SchemaRegistryClient, subject: str, level: str, *, allowed: bool
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
    assert subject not in subjects_of(registry)
    assert registry.delete_subject(subject, permanent=True) == [1, 2]
    forget(registry)
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
    forget(registry)
    assert AvroDeserializer(registry)(wire, context) == value


def forget(registry: SchemaRegistryClient) -> None:
    """The client asks again what it has asked before."""
    registry.clear_caches()  # type: ignore[no-untyped-call]


def _refusal(call: Any) -> tuple[int, int]:
    with pytest.raises(SchemaRegistryError) as refused:
        call()
    return refused.value.http_status_code, refused.value.error_code
