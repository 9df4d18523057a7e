"""`canvas-processors schemas register` against every engine's registry."""

import json

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from bridge.sandbox.engines.registry.avro_schema import parse_schema
from bridge.settings import SchemaRegistrySettings
from processors.catalogue import load_catalogue
from processors.names import TopicNames, subject
from processors.registry import AvroSchema, SchemasMissing, schema_ids, schemas_by_topic
from tests.integration.commands import processors, table
from tests.integration.engine_kafka import without_containers
from tests.registries import subjects_of
from tests.schema_changes import CHANGES, SchemaChange, optional, required

Environment = dict[str, str]
Schemas = dict[str, AvroSchema]

CATALOGUE = load_catalogue()
REGISTER = ("schemas", "register")


@pytest.fixture
def schemas(topic_prefix: str) -> Schemas:
    """Subject -> what is to be under it."""
    found = schemas_by_topic(CATALOGUE, TopicNames(topic_prefix))
    return {subject(topic): schema for topic, schema in found.items()}


def ours(registry: SchemaRegistryClient, prefix: str) -> set[str]:
    return {name for name in subjects_of(registry) if name.startswith(prefix)}


def with_body(schema: AvroSchema, *fields: AvroSchema, without: str = "") -> AvroSchema:
    """The schema of an event with other fields in its body."""
    changed: AvroSchema = json.loads(json.dumps(schema))
    body = next(field["type"] for field in changed["fields"] if field["name"] == "body")
    body["fields"] = [field for field in body["fields"] if field["name"] != without] + [*fields]
    return changed


def register(registry: SchemaRegistryClient, name: str, schema: AvroSchema) -> int:
    return registry.register_schema(name, Schema(json.dumps(schema), "AVRO"))


def test_every_schema_is_registered_once(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
) -> None:
    first = processors(environment, *REGISTER)
    assert first.returncode == 0, first.stderr
    assert ours(registry, topic_prefix) == schemas.keys()
    assert f"{len(schemas)} subjects: {len(schemas)} new; {len(schemas)} written" in first.stdout
    rows = table(first.stdout)
    for name, schema in schemas.items():
        latest = registry.get_latest_version(name)
        # Apicurio leaves out a namespace that is inherited: the text differs, the schema does not.
        assert (
            parse_schema(latest.schema.schema_str or "").identity == parse_schema(json.dumps(schema)).identity
        )
        assert rows[name] == [str(latest.schema_id), "1", "new"]
        assert registry.get_compatibility(name) == "FULL_TRANSITIVE"

    second = processors(environment, *REGISTER)
    assert second.returncode == 0, second.stderr
    assert {name: [*row[:2], "unchanged"] for name, row in rows.items()} == table(second.stdout)
    assert all(registry.get_versions(name) == [1] for name in schemas)


@without_containers
def test_a_dry_run_writes_nothing(
    environment: Environment, registry: SchemaRegistryClient, topic_prefix: str
) -> None:
    done = processors(environment, *REGISTER, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "dry run, nothing was written" in done.stdout
    assert ours(registry, topic_prefix) == set()


@without_containers
def test_a_compatible_change_is_a_new_version(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
) -> None:
    name = f"{topic_prefix}course_updated-value"
    register(registry, name, with_body(schemas[name], optional("from_another_release")))
    assert table(processors(environment, *REGISTER, "--dry-run").stdout)[name] == ["-", "-", "changed"]
    rows = table(processors(environment, *REGISTER).stdout)
    assert rows[name][1:] == ["2", "changed"]
    assert registry.get_versions(name) == [1, 2]


@without_containers
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)], ids=["real", "dry run"])
def test_an_incompatible_change_is_refused_with_the_reason_and_nothing_is_written(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
    arguments: tuple[str, ...],
) -> None:
    name = f"{topic_prefix}course_updated-value"
    register(registry, name, with_body(schemas[name], required("needed")))
    done = processors(environment, *REGISTER, *arguments)
    assert done.returncode == 1
    assert table(done.stdout)[name] == ["-", "-", "refused"]
    assert f"{name}: /body/needed is gone and had no default" in done.stderr
    assert "(version 1): put it back" in done.stderr
    assert "nothing was written" in done.stdout
    assert ours(registry, topic_prefix) == {name}
    assert registry.get_versions(name) == [1]


@without_containers
def test_a_subject_s_own_level_is_kept_and_said(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
) -> None:
    name = f"{topic_prefix}course_updated-value"
    registry.set_compatibility(name, "BACKWARD")
    register(registry, name, with_body(schemas[name], required("needed")))
    done = processors(environment, *REGISTER)
    assert done.returncode == 0, done.stderr
    assert f"{name}: has the compatibility BACKWARD of its own and keeps it" in done.stdout
    assert registry.get_compatibility(name) == "BACKWARD"
    assert registry.get_versions(name) == [1, 2]


@without_containers
def test_documentation_mints_no_trouble(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
) -> None:
    name = f"{topic_prefix}unknown-value"
    register(registry, name, {**schemas[name], "doc": "The text of another release."})
    done = processors(environment, *REGISTER)
    assert done.returncode == 0, done.stderr
    assert table(done.stdout)[name][2] in ("unchanged", "changed")  # registries differ
    again = processors(environment, *REGISTER)
    assert {row[2] for row in table(again.stdout).values()} == {"unchanged"}


@without_containers
def test_the_worker_only_looks_up(
    environment: Environment,
    registry: SchemaRegistryClient,
    schemas: Schemas,
    topic_prefix: str,
) -> None:
    settings = SchemaRegistrySettings(url=environment["SCHEMA_REGISTRY_URL"])
    names = TopicNames(topic_prefix)
    with pytest.raises(SchemasMissing) as error:
        schema_ids(CATALOGUE, names, settings)
    assert error.value.subjects == list(schemas)
    assert ours(registry, topic_prefix) == set()

    rows = table(processors(environment, *REGISTER).stdout)
    ids = schema_ids(CATALOGUE, names, settings)
    assert {subject(topic): str(number) for topic, number in ids.items()} == {
        name: row[0] for name, row in rows.items()
    }


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_registry_s_verdict_is_the_one_we_explain(
    registry: SchemaRegistryClient, topic_prefix: str, change: SchemaChange
) -> None:
    name = f"{topic_prefix}change-value"
    registry.set_compatibility(name, "FULL_TRANSITIVE")
    register(registry, name, change.old)
    new = Schema(json.dumps(change.new), "AVRO")
    assert registry.test_compatibility_all_versions(name, new) == (change.broken is None)
    if change.broken is not None:
        with pytest.raises(SchemaRegistryError) as error:
            registry.register_schema(name, new)
        assert error.value.http_status_code == 409


@without_containers
def test_an_address_without_a_registry_is_said(environment: Environment) -> None:
    url = environment["SCHEMA_REGISTRY_URL"] + "/no/such/path"
    done = processors({**environment, "SCHEMA_REGISTRY_URL": url}, *REGISTER)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Error: " in done.stderr
    assert url in done.stderr
    assert "Traceback" not in done.stderr
