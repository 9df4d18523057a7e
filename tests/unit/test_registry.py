"""Looking schemas up, and what becomes of a registry's troubles."""

import json
import logging

import pytest
from pydantic import SecretStr

from bridge.sandbox.engines.registry.server import RegistryServer
from bridge.sandbox.engines.registry.subjects import SubjectStore
from bridge.settings import SchemaRegistrySettings
from processors.catalogue import Catalogue, EventType
from processors.names import TopicNames
from processors.registry import Registry, RegistryError, SchemasMissing, schema_ids, schemas_by_topic
from tests.registries import Impatience, ScriptedRegistry, register_again, registry_over
from tests.schema_changes import A, optional, record

NAMES = TopicNames("x.")
CATALOGUE = Catalogue(
    {"one": EventType("one", record(A)), "raw": EventType("raw", record(A, name="Raw"))},
    EventType("unknown", record(A, name="Unknown")),
    {"progress": EventType("progress", record(A, name="Progress"))},
)
FOUND = json.dumps({"subject": "x.one-value", "id": 7, "version": 3, "schema": "{}"})


def test_every_topic_with_avro_values_has_a_subject() -> None:
    assert list(schemas_by_topic(CATALOGUE, NAMES)) == ["x.one", "x.-72aw", "x.unknown", "x.rollup.progress"]


def test_the_worker_gets_the_ids_of_what_is_registered() -> None:
    with registry_over(SubjectStore()) as settings:
        results = register_again(settings, schemas_by_topic(CATALOGUE, NAMES))
        ids = schema_ids(CATALOGUE, NAMES, settings)
    assert ids == {result.subject.removesuffix("-value"): result.id for result in results}


def test_the_worker_registers_nothing_and_names_what_is_missing() -> None:
    store = SubjectStore()
    other = {"x.one": record(A), "x.unknown": record(A, optional("b"), name="Unknown")}
    with registry_over(store) as settings:
        register_again(settings, other)
        with pytest.raises(SchemasMissing, match="canvas-processors schemas register") as error:
            schema_ids(CATALOGUE, NAMES, settings)
    assert error.value.subjects == ["x.-72aw-value", "x.unknown-value", "x.rollup.progress-value"]
    assert store.subjects() == ["x.one-value", "x.unknown-value"]


def test_a_registry_that_is_busy_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    patience = Impatience()
    with (
        caplog.at_level(logging.WARNING),
        ScriptedRegistry((503, "busy"), (429, ""), (200, FOUND)).serving() as settings,
        Registry(settings, patience) as registry,
    ):
        assert registry.look_up("x.one-value", record(A)) == (7, 3)
    assert patience.waits == 2
    assert len(caplog.messages) == 2
    assert all(text.endswith("trying again") for text in caplog.messages)
    assert "secret" not in caplog.text


def test_a_registry_that_is_away_is_waited_for() -> None:
    server = RegistryServer(SubjectStore())
    server.start()
    settings = SchemaRegistrySettings(url=server.url)
    register_again(settings, schemas_by_topic(CATALOGUE, NAMES))
    server.stop()

    class ComesBack(Impatience):
        def wait(self, attempt: int) -> bool:
            if attempt == 1:
                server.start()
            return super().wait(attempt)

    patience = ComesBack()
    try:
        assert schema_ids(CATALOGUE, NAMES, settings, patience)
    finally:
        server.stop()
    assert patience.waits == 2


def test_a_stop_ends_the_waiting() -> None:
    patience = Impatience()
    patience.stop()
    server = ScriptedRegistry((503, "busy"))
    with server.serving() as settings, pytest.raises(RegistryError, match="503"):
        schema_ids(CATALOGUE, NAMES, settings, patience)
    assert server.seen == 1


def test_a_command_does_not_wait_for_ever() -> None:
    with (
        ScriptedRegistry((503, "busy")).serving() as settings,
        Registry(settings, Impatience(), give_up_after=0) as registry,
        pytest.raises(RegistryError, match="Try again later"),
    ):
        registry.level()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, '{"error_code": 401, "message": "Unauthorized"}', "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"),
        (404, "<html>no such page</html>", "/apis/ccompat/v7"),
        (404, "{}", "/apis/ccompat/v7"),
        (200, "<html>welcome</html>", "/apis/ccompat/v7"),
        (200, "[]", "/apis/ccompat/v7"),
        (200, '{"id": 7}', "/apis/ccompat/v7"),
        (422, '{"error_code": 42201, "message": "Invalid schema"}', "Invalid schema"),
    ],
)
def test_what_waiting_does_not_cure_is_said_at_once(status: int, body: str, words: str) -> None:
    server = ScriptedRegistry((status, body))
    with (
        server.serving() as settings,
        Registry(settings, Impatience()) as registry,
        pytest.raises(RegistryError, match=words) as error,
    ):
        registry.look_up("x.one-value", record(A))
    assert server.seen == 1
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        SchemaRegistrySettings(url="registry:8081"),
        SchemaRegistrySettings(url="http://r", basic_auth_user_info=SecretStr("nobody")),
        SchemaRegistrySettings(url="https://r", ssl_ca_location="/nowhere"),
    ],
    ids=["url", "user", "ca"],
)
def test_settings_that_cannot_work_are_named(settings: SchemaRegistrySettings) -> None:
    with pytest.raises(RegistryError, match="SCHEMA_REGISTRY_URL"):
        Registry(settings)
