"""The embedded registry over HTTP: what the contract of all registries leaves open."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from bridge.sandbox.engines.registry.server import RegistryServer
from bridge.sandbox.engines.registry.subjects import SubjectStore
from tests.registry_verdicts import ONE, OTHER, TWO

Answer = tuple[int, Any]


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    running = RegistryServer(SubjectStore())
    running.start()
    yield running
    running.stop()


def ask(server: RegistryServer, method: str, path: str, body: Any = None) -> Answer:
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body))
    answer = connection.getresponse()
    status, document = answer.status, json.loads(answer.read())
    connection.close()
    return status, document


def schema(document: Any, **more: Any) -> dict[str, Any]:
    return {"schema": json.dumps(document), **more}


def register(server: RegistryServer, subject: str, document: Any) -> int:
    status, answer = ask(server, "POST", f"/subjects/{subject}/versions", schema(document))
    assert status == 200, answer
    schema_id: int = answer["id"]
    return schema_id


def test_the_same_schema_has_one_id_in_all_subjects(server: RegistryServer) -> None:
    assert register(server, "a", ONE) == register(server, "b", ONE) != register(server, "b", TWO)
    _, uses = ask(server, "GET", "/schemas/ids/1/versions")
    assert uses == [{"subject": "a", "version": 1}, {"subject": "b", "version": 1}]


def test_one_version_or_its_bare_schema(server: RegistryServer) -> None:
    register(server, "a", ONE)
    for version in ("1", "latest", "-1"):
        assert ask(server, "GET", f"/subjects/a/versions/{version}")[1]["version"] == 1
        assert ask(server, "GET", f"/subjects/a/versions/{version}/schema") == (200, ONE)
    assert ask(server, "GET", "/schemas/ids/1/schema") == (200, ONE)


def test_a_refusal_explains_itself(server: RegistryServer) -> None:
    register(server, "a", ONE)
    status, answer = ask(server, "POST", "/subjects/a/versions", schema(OTHER))
    assert (status, answer["error_code"]) == (409, 409)
    assert "TYPE_MISMATCH at /fields/0/type: reader type long is not writer type string" in answer["message"]
    path = "/compatibility/subjects/a/versions/1?verbose=true"
    _, tested = ask(server, "POST", path, schema(OTHER))
    assert tested["is_compatible"] is False
    assert tested["messages"]


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("POST", "/subjects/a/versions", b"{", (400, 400)),
        ("POST", "/subjects/a/versions", [], (400, 400)),
        ("POST", "/subjects/a/versions", {}, (422, 42201)),
        ("POST", "/subjects/a/versions", {"schema": {"type": "string"}}, (422, 42201)),
        ("POST", "/subjects/a/versions", schema(ONE, schemaType="PROTOBUF"), (422, 42201)),
        ("POST", "/subjects/a/versions", schema(ONE, references=[{"name": "x"}]), (422, 42201)),
        ("GET", "/subjects/a/versions/7", None, (404, 40402)),
        ("GET", "/subjects/a/versions/0", None, (422, 42202)),
        ("GET", "/subjects/a/versions/first", None, (422, 42202)),
        ("GET", "/subjects/none/versions/1", None, (404, 40401)),
        ("GET", "/schemas/ids/7", None, (404, 40403)),
        ("GET", "/config/a", None, (404, 40408)),
        ("DELETE", "/config/a", None, (404, 40408)),
        ("PUT", "/config", {"compatibility": "SIDEWAYS"}, (422, 42203)),
        ("DELETE", "/subjects/a?permanent=true", None, (404, 40405)),
        ("GET", "/nowhere", None, (404, 404)),
        ("PUT", "/subjects", None, (405, 405)),
    ],
)
def test_misuse_has_confluents_code(
    server: RegistryServer, method: str, path: str, body: Any, refusal: tuple[int, int]
) -> None:
    register(server, "a", ONE)
    status, answer = ask(server, method, path, body)
    assert (status, answer["error_code"]) == refusal
    assert answer["message"]


def test_a_deleted_subject_can_be_found_until_it_is_deleted_permanently(server: RegistryServer) -> None:
    schema_id = register(server, "a", ONE)
    assert ask(server, "DELETE", "/subjects/a") == (200, [1])
    assert ask(server, "GET", "/subjects") == (200, [])
    assert ask(server, "GET", "/subjects?deleted=true") == (200, ["a"])
    assert ask(server, "GET", "/subjects/a/versions?deleted=true") == (200, [1])
    assert ask(server, "GET", f"/schemas/ids/{schema_id}")[0] == 200
    assert ask(server, "DELETE", "/subjects/a")[1]["error_code"] == 40404
    assert ask(server, "DELETE", "/subjects/a?permanent=true") == (200, [1])
    assert ask(server, "GET", f"/schemas/ids/{schema_id}")[1]["error_code"] == 40403


def test_versions_count_on_after_a_deletion(server: RegistryServer) -> None:
    register(server, "a", ONE)
    ask(server, "DELETE", "/subjects/a")
    register(server, "a", OTHER)
    assert ask(server, "GET", "/subjects/a/versions") == (200, [2])


def test_a_subject_follows_the_global_level_unless_it_has_its_own(server: RegistryServer) -> None:
    assert ask(server, "PUT", "/config", {"compatibility": "full"}) == (200, {"compatibility": "FULL"})
    assert ask(server, "GET", "/config/a?defaultToGlobal=true") == (200, {"compatibilityLevel": "FULL"})
    ask(server, "PUT", "/config/a", {"compatibility": "NONE"})
    assert ask(server, "GET", "/config/a") == (200, {"compatibilityLevel": "NONE"})
    assert ask(server, "DELETE", "/config/a") == (200, {"compatibilityLevel": "NONE"})
    assert ask(server, "GET", "/config/a?defaultToGlobal=true") == (200, {"compatibilityLevel": "FULL"})


def test_a_stopped_server_comes_back_at_its_address_with_what_it_held(server: RegistryServer) -> None:
    url, schema_id = server.url, register(server, "a", ONE)
    server.stop()
    with pytest.raises(OSError, match="refused"):
        ask(server, "GET", "/subjects")
    server.start()
    assert server.url == url
    assert register(server, "a", ONE) == schema_id


def test_a_taken_port_is_an_error(server: RegistryServer) -> None:
    second = RegistryServer(SubjectStore())
    second._port = server._port
    with pytest.raises(OSError, match="address already in use"):
        second.start()
    second.stop()
