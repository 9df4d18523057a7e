"""The admin server: probes, metrics and the status page."""

import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from bridge import status as status_module
from bridge import telemetry as telemetry_module
from bridge.status import Status
from bridge.telemetry import AdminServer


class State:
    live = True
    ready = True


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Status:
    page = Status()
    monkeypatch.setattr(telemetry_module, "STATUS", page)
    return page


@pytest.fixture
def server(page: Status) -> Iterator[AdminServer]:
    State.live = State.ready = True
    server = AdminServer("127.0.0.1", 0, lambda: State.live, lambda: State.ready)
    yield server
    server.close()


def get(server: AdminServer, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("path", ["/healthz", "/healthz/live"])
def test_liveness(server: AdminServer, path: str) -> None:
    assert get(server, path) == (200, b"ok\n")
    State.ready = False
    assert get(server, path) == (200, b"ok\n")
    State.live = False
    assert get(server, path) == (503, b"not ok\n")


@pytest.mark.parametrize("path", ["/readyz", "/healthz/ready"])
def test_readiness(server: AdminServer, path: str) -> None:
    assert get(server, path) == (200, b"ok\n")
    State.ready = False
    assert get(server, path) == (503, b"not ok\n")


def test_metrics_and_what_there_is_not(server: AdminServer) -> None:
    assert b"canvas_bridge_delivery_budget_limit" in get(server, "/metrics")[1]
    assert get(server, "/") == (404, b"/metrics, /status, /healthz or /readyz\n")


def test_the_page_has_each_section_as_it_is_now(server: AdminServer, page: Status) -> None:
    told: dict[str, Any] = {"used": 1}
    page.tell("budget", lambda: told)
    page.tell("door", lambda: "old")
    page.tell("door", lambda: {"name": "webhook"})
    status, content = get(server, "/status")
    document = orjson.loads(content)
    assert status == 200
    assert set(document) == {"version", "started_at", "budget", "door"}
    assert document["started_at"].endswith("+00:00")
    assert document["version"]
    assert document["door"] == {"name": "webhook"}
    told["used"] = 2
    assert orjson.loads(get(server, "/status")[1])["budget"] == {"used": 2}


def test_a_section_that_fails_costs_only_itself_and_shows_nothing(server: AdminServer, page: Status) -> None:
    def fail() -> Any:
        raise RuntimeError("swordfish")

    page.tell("kafka", fail)
    page.tell("door", lambda: {"of": object()})
    status, content = get(server, "/status")
    assert status == 200
    assert orjson.loads(content)["kafka"] == {"error": "RuntimeError"}
    assert b"swordfish" not in content


def test_a_version_that_is_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(status_module, "version", fail)
    assert Status().report()["version"] == "unknown"


def test_who_connects_and_says_nothing_holds_no_probe_up(server: AdminServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.send(b"GET /healthz")
        assert get(server, "/healthz") == (200, b"ok\n")


def test_who_says_nothing_is_let_go_without_a_word(
    server: AdminServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telemetry_module._Handler, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as silent:
        assert silent.recv(100) == b""
    assert capfd.readouterr().err == ""
