"""Registering schemas, against the sandbox's registry in this process."""

from collections.abc import Iterator

import pytest

from bridge.sandbox.engines.registry.subjects import SubjectStore
from bridge.settings import SchemaRegistrySettings
from processors.registry import AvroSchema, Incompatible, Registered, Registry, RegistryError
from processors.schemas.registration import Change, RegistrationStopped, SubjectResult, register_all
from tests.registries import register_again, registry_over
from tests.schema_changes import A, optional, record, required

FIRST = {"x.one": record(A), "x.two": record(A, name="Two")}


@pytest.fixture
def store() -> SubjectStore:
    return SubjectStore()


@pytest.fixture
def settings(store: SubjectStore) -> Iterator[SchemaRegistrySettings]:
    with registry_over(store) as settings:
        yield settings


@pytest.fixture
def registry(settings: SchemaRegistrySettings) -> Iterator[Registry]:
    with Registry(settings) as registry:
        yield registry


def brief(results: list[SubjectResult]) -> list[tuple[str, str, int | None]]:
    return [(result.subject, result.change, result.version) for result in results]


def test_new_schemas_are_registered_and_a_second_run_does_nothing(settings: SchemaRegistrySettings) -> None:
    results = register_again(settings, FIRST)
    assert brief(results) == [("x.one-value", "new", 1), ("x.two-value", "new", 1)]
    assert all(result.written and result.level == "FULL_TRANSITIVE" for result in results)
    second = register_again(settings, FIRST)
    assert brief(second) == [("x.one-value", "unchanged", 1), ("x.two-value", "unchanged", 1)]
    assert [result.id for result in second] == [result.id for result in results]
    assert not any(result.written for result in second)


def test_a_compatible_change_is_a_new_version(settings: SchemaRegistrySettings) -> None:
    register_again(settings, FIRST)
    results = register_again(settings, {**FIRST, "x.one": record(A, optional("b"))})
    assert brief(results) == [("x.one-value", "changed", 2), ("x.two-value", "unchanged", 1)]


def test_going_back_to_an_older_schema_changes_nothing(settings: SchemaRegistrySettings) -> None:
    (first, _) = register_again(settings, FIRST)
    register_again(settings, {"x.one": record(A, optional("b"))})
    (back, _) = register_again(settings, FIRST)
    assert (back.change, back.version, back.id) == (Change.UNCHANGED, 1, first.id)


def test_one_refused_schema_holds_back_all(settings: SchemaRegistrySettings, registry: Registry) -> None:
    register_again(settings, FIRST)
    changed = {
        "x.new": record(A),
        "x.one": record(A, required("b")),
        "x.two": record(A, optional("b"), name="Two"),
    }
    results = register_again(settings, changed)
    assert [result.change for result in results] == ["new", "refused", "changed"]
    assert not any(result.written for result in results)
    assert results[1].reason.startswith("/b is new and has no default")
    assert 'make it nullable with "default": null' in results[1].reason
    assert not registry.versions("x.new-value")
    assert list(registry.versions("x.two-value")) == [1]
    assert registry.level("x.new-value") is None


def test_every_version_counts_not_only_the_last(settings: SchemaRegistrySettings) -> None:
    for schema in (record(A, optional("b")), record(A)):
        register_again(settings, {"x.one": schema})
    (result,) = register_again(settings, {"x.one": record(A, optional("b", "long"))})
    assert result.change is Change.REFUSED
    assert result.reason == (
        "/b was null or string and is long or null (version 1): "
        "keep the type and add a field with another name"
    )


def test_a_dry_run_says_the_same_and_writes_nothing(
    settings: SchemaRegistrySettings, registry: Registry
) -> None:
    register_again(settings, FIRST)
    schemas = {"x.new": record(A), "x.one": record(A, optional("b"))}
    results = register_again(settings, schemas, dry_run=True)
    assert brief(results) == [("x.new-value", "new", None), ("x.one-value", "changed", None)]
    assert not any(result.written for result in results)
    assert not registry.versions("x.new-value")
    assert registry.level("x.new-value") is None
    assert list(registry.versions("x.one-value")) == [1]


def test_a_subject_without_a_level_of_its_own_gets_ours_before_it_is_judged(
    settings: SchemaRegistrySettings, registry: Registry, store: SubjectStore
) -> None:
    store.set_level("NONE")
    registry.register("x.one-value", record(A))
    breaking = {"x.one": record(A, required("b"))}
    assert registry.accepts("x.one-value", breaking["x.one"])
    assert [result.change for result in register_again(settings, breaking, dry_run=True)] == ["refused"]
    assert [result.change for result in register_again(settings, breaking)] == ["refused"]
    (result,) = register_again(settings, {"x.one": record(A)})
    assert (result.change, result.written) == (Change.UNCHANGED, True)
    assert registry.level("x.one-value") == "FULL_TRANSITIVE"


def test_a_level_somebody_chose_for_a_subject_stays(
    settings: SchemaRegistrySettings, registry: Registry
) -> None:
    registry.set_level("x.one-value", "FORWARD")
    register_again(settings, {"x.one": record(A)})
    (result,) = register_again(settings, {"x.one": record(A, required("b"))})
    assert (result.change, result.level, result.version) == (Change.CHANGED, "FORWARD", 2)
    assert registry.level("x.one-value") == "FORWARD"


class Failing(Registry):
    """A registry that fails at one subject, in the way it is told."""

    failure: RegistryError = RegistryError("gone")

    def register(self, name: str, schema: AvroSchema) -> Registered:
        if name == "x.two-value":
            raise self.failure
        return super().register(name, schema)


def test_a_failure_in_the_middle_says_what_was_done_and_what_not(settings: SchemaRegistrySettings) -> None:
    with Failing(settings) as registry, pytest.raises(RegistrationStopped, match="gone") as stop:
        register_all(registry, {**FIRST, "x.three": record(A, name="Three")})
    assert [(result.subject, result.written) for result in stop.value.results] == [
        ("x.one-value", True),
        ("x.two-value", False),
        ("x.three-value", False),
    ]


def test_a_refusal_while_writing_is_said_in_the_registry_s_words(settings: SchemaRegistrySettings) -> None:
    with Failing(settings) as registry:
        registry.failure = Incompatible("somebody was quicker")
        one, two = register_all(registry, FIRST)
    assert (one.change, one.written) == (Change.NEW, True)
    assert (two.change, two.reason) == (Change.REFUSED, "somebody was quicker")
