"""`canvas-bridge spool leaving`: no webhook goes while something waits in its spool, or may wait."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge import telemetry as telemetry_module
from bridge.__main__ import main
from bridge.status import Status
from bridge.telemetry import AdminServer
from tests.unit.spool_site import record, spool_site

Names = dict[str, list[str]]
Resolve = Callable[[Names], None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Gives names their addresses; a name without any is trouble, one that is not given is none."""
    real = socket.getaddrinfo

    def names(given: Names) -> None:
        def look_up(name: str, *arguments: Any, **more: Any) -> list[tuple[Any, ...]]:
            if name.startswith("127."):
                return list(real(name, *arguments, **more))
            if name not in given:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            if not given[name]:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in given[name]]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return names


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Status, int]]:
    page = Status()
    monkeypatch.setattr(telemetry_module, "STATUS", page)
    server = AdminServer("127.0.0.1", 0, lambda: True, lambda: True)
    yield page, server.port
    server.close()


def ask(port: int, *more: object) -> Result:
    arguments = ["spool", "leaving", "--service", "pods", "--port", port, *more]
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_a_webhook_goes_once_its_spool_is_empty(
    status: tuple[Status, int], resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, port = status
    resolve({"pods": ["127.0.0.1"]})
    left = iter([2, 1, 0, 3])
    page.tell("spool", lambda: {"records": next(left), "kafka_away": True})
    full = ask(port)
    assert full.exit_code == 1
    assert "127.0.0.1: 2 records wait in its spool, and Kafka is away" in full.stderr
    monkeypatch.setattr("bridge.spool.leaving.time.sleep", lambda _: None)
    assert ask(port, "--wait", 60).exit_code == 0
    assert next(left) == 3


def test_who_stays_is_not_asked(status: tuple[Status, int], resolve: Resolve) -> None:
    page, port = status
    page.tell("spool", lambda: {"records": 7})
    resolve({"pods": ["127.0.0.1"], "pod-0.pods": ["127.0.0.1"]})
    assert ask(port, "--stays", "pod-0.pods", "--stays", "pod-1.pods").exit_code == 0
    assert ask(port, "--stays", "pod-1.pods").exit_code == 1


def test_a_webhook_without_a_spool_may_go(status: tuple[Status, int], resolve: Resolve) -> None:
    resolve({"pods": ["127.0.0.1"]})
    assert ask(status[1]).exit_code == 0


def test_where_nobody_is_nobody_leaves(resolve: Resolve) -> None:
    resolve({})
    assert ask(1).exit_code == 0


@pytest.mark.parametrize("told", [{"error": "OSError"}, {"records": None}, ["records"]])
def test_what_cannot_be_told_holds_it(status: tuple[Status, int], resolve: Resolve, told: Any) -> None:
    page, port = status
    resolve({"pods": ["127.0.0.1"]})
    page.tell("spool", lambda: told)
    assert ask(port).exit_code == 1


def test_who_does_not_answer_is_held(resolve: Resolve) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        resolve({"pods": ["127.0.0.1"]})
        held = ask(closed.getsockname()[1])
    assert held.exit_code == 1
    assert "cannot be told" in held.stderr


@pytest.mark.parametrize("names", [{"pods": []}, {"pods": ["127.0.0.1"], "pod-0.pods": []}])
def test_a_resolver_in_trouble_holds_all(resolve: Resolve, names: Names) -> None:
    resolve(names)
    held = ask(1, "--stays", "pod-0.pods")
    assert held.exit_code == 1
    assert "who leaves cannot be told" in held.stderr


def test_what_a_webhook_says_of_its_spool_is_understood(tmp_path: Path, resolve: Resolve) -> None:
    resolve({"pods": ["127.0.0.1"]})

    async def go() -> None:
        async with spool_site(tmp_path) as site:
            server = AdminServer("127.0.0.1", 0, lambda: True, lambda: True)
            assert (await asyncio.to_thread(ask, server.port)).exit_code == 0
            site.kafka.fail()
            await site.publish(record(1))
            held = await asyncio.to_thread(ask, server.port)
            server.close()
        assert held.exit_code == 1
        assert "127.0.0.1: 1 records wait in its spool, and Kafka is away" in held.stderr

    asyncio.run(go())
