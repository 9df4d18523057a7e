"""What we promise consumers holds everything that the registry's FULL compatibility asks, and more."""

import pytest

from processors.catalogue import load_catalogue
from processors.schemas.promises import breaches
from tests.schema_changes import CHANGES, A, SchemaChange, optional, record, required

CATALOGUE = load_catalogue()
OURS = {
    "optional field removed": "/b",
    "default": "/a",
    "logical type": "/t",
    "another namespace": "/",
    "bytes for string": "/a",
    "int beside long": "/a",
    "enum with default grows": "/e",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_the_registry_forbids_is_refused_and_what_is_ours(change: SchemaChange) -> None:
    broken = change.broken or OURS.get(change.name)
    found = [item.field for item in breaches(change.old, change.new)]
    assert broken in found if broken else not found
    assert len(found) == len({*found}) or change.name == "nullable to required"


@pytest.mark.parametrize(
    ("added", "successor"),
    [
        ([optional("user_idx"), optional("teacher")], "user_idx"),
        ([optional("teacher"), optional("user_idx")], "user_idx"),
        ([{**optional("quite_another"), "doc": "Who."}, optional("user_idx")], "quite_another"),
        ([required("user_idx")], "user_idx"),
        ([optional("user_idx", "long")], None),
        ([], None),
    ],
)
def test_a_rename_is_recognised_by_type_then_documentation_then_name(
    added: list[dict[str, object]], successor: str | None
) -> None:
    old = record(A, {**optional("user_id"), "doc": "Who."})
    breach = next(item for item in breaches(old, record(A, *added)) if item.field == "/user_id")
    assert ("looks like a rename" in breach.cause) == (successor is not None)
    if successor:
        assert breach.cause.endswith(f"of user_id to {successor}")
        assert breach.remedy.startswith(f"keep user_id and add {successor} beside it")


def test_a_field_that_stays_is_no_successor() -> None:
    (breach,) = breaches(record(optional("one"), optional("two")), record(optional("one")))
    assert "rename" not in breach.cause


def test_a_recursive_record_is_compared_once() -> None:
    tree = record(optional("next", "canvasbridge.events.Event"), optional("value"))
    bare = record(optional("next", "canvasbridge.events.Event"))
    assert not breaches(tree, tree)
    assert [item.field for item in breaches(tree, bare)] == ["/value"]


def test_where_a_shared_type_is_defined_does_not_count() -> None:
    person = {"type": "record", "name": "Person", "fields": [optional("n")]}
    name = "canvasbridge.events.Person"
    one = record(optional("a", person), optional("b", name))
    other = record(optional("b", person), optional("a", name))
    assert not breaches(one, other)


@pytest.mark.parametrize("name", CATALOGUE.events)
def test_a_schema_keeps_the_promises_of_itself_and_of_no_other(name: str) -> None:
    schema = CATALOGUE.events[name].registered
    assert not breaches(schema, schema)
    assert breaches(CATALOGUE.unknown.registered, schema)
