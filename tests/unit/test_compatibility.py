"""What breaks between two schemas, and that it is said in words."""

import json

import pytest

from bridge.sandbox.engines.registry.avro_schema import parse_schema
from bridge.sandbox.engines.registry.compatibility import violations
from processors.catalogue import load_catalogue
from processors.schemas.compatibility import breaks
from tests.schema_changes import CHANGES, A, SchemaChange, optional, record, required

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_broken_field_is_named(change: SchemaChange) -> None:
    found = [item.field for item in breaks(change.old, change.new)]
    if change.broken is None:
        assert not found
    else:
        assert change.broken in found


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_verdict_is_a_registry_s(change: SchemaChange) -> None:
    old, new = parse_schema(json.dumps(change.old)), parse_schema(json.dumps(change.new))
    assert bool(breaks(change.old, change.new)) == bool(violations("FULL", new, [old]))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_full_compatibility_has_no_direction(change: SchemaChange) -> None:
    assert bool(breaks(change.new, change.old)) == bool(breaks(change.old, change.new))


def test_every_break_names_field_cause_and_remedy() -> None:
    (item,) = breaks(record(A), record(A, required("score", "double")))
    assert str(item) == (
        "/score is new and has no default, so records written before cannot be read: "
        'make it nullable with "default": null'
    )
    (item,) = breaks(record(optional("score", "long")), record(optional("score", "double")))
    assert str(item) == (
        "/score was long or null and is double or null: keep the type and add a field with another name"
    )


@pytest.mark.parametrize("name", CATALOGUE.events)
def test_a_schema_of_the_catalogue_goes_with_itself_and_with_no_other(name: str) -> None:
    schema = CATALOGUE.events[name].registered
    assert not breaks(schema, schema)
    assert breaks(schema, CATALOGUE.unknown.registered)
