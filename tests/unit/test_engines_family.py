"""The family of engines: its members, what clients are told, and how a missing package is said."""

import inspect
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from bridge.sandbox.engines import ENGINES, Member
from bridge.sandbox.engines.base import (
    Addresses,
    Engine,
    EngineFailure,
    EngineOptions,
    EngineUnavailable,
    UnsupportedFault,
)
from bridge.sandbox.engines.ports import HIGHEST, LOWEST, free_ports
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.settings import Delivery, TopicSettings, WorkerSettings

ADDRESSES = Addresses(
    "127.0.0.1:1,127.0.0.1:2", "http://127.0.0.1:3/x", "http://127.0.0.1:4", "exactly_once", 3
)


@pytest.mark.parametrize("name", ENGINES)
def test_a_member_is_an_engine_under_its_name(name: str) -> None:
    engine = ENGINES[name](EngineOptions())
    assert engine.name == name
    assert engine.delivery in set(Delivery)
    for member, wanted in inspect.getmembers(Engine, inspect.isfunction):
        if not member.startswith("_"):
            assert getattr(type(engine), member) is not wanted, f"{name} leaves out {member}"


@pytest.mark.parametrize("name", ["processes", "containers"])
def test_an_engine_that_is_not_started_has_no_addresses(name: str) -> None:
    engine = ENGINES[name](EngineOptions())
    with pytest.raises(EngineFailure, match="not started"):
        _ = engine.addresses


@pytest.mark.parametrize("name", ENGINES)
def test_stopping_what_is_not_started_is_harmless(name: str) -> None:
    engine = ENGINES[name](EngineOptions())
    engine.stop()
    engine.stop()


def test_containers_have_one_broker() -> None:
    with pytest.raises(EngineFailure, match=r"one broker.*processes"):
        ENGINES["containers"](EngineOptions(brokers=3))


def test_a_missing_package_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine_on_sand.py").write_text("import package_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    member = Member("engine_on_sand", "Engine", "pip install sand")
    with pytest.raises(
        EngineUnavailable,
        match=r"engine_on_sand: the package package_nobody_has is missing.*pip install sand",
    ):
        member(EngineOptions())


def test_our_settings_read_what_an_engine_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ADDRESSES.environment().items():
        monkeypatch.setenv(variable, value)
    assert KafkaSettings().bootstrap_servers == ADDRESSES.kafka_bootstrap_servers
    assert SchemaRegistrySettings().url == ADDRESSES.schema_registry_url
    assert WorkerSettings().delivery is Delivery.EXACTLY_ONCE
    assert TopicSettings().replication_factor == 3


def test_an_unsupported_fault_names_engine_fault_and_part() -> None:
    fault = UnsupportedFault("embedded", "pause", "kafka", "it is a thread")
    assert str(fault).startswith("engine embedded: cannot pause kafka: it is a thread.")


def test_ports_are_free_different_and_outside_the_ephemeral_range() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(LOWEST <= port < HIGHEST for port in ports)


def test_a_port_is_given_once_though_nobody_listens_on_it() -> None:
    assert not set(free_ports(200)) & set(free_ports(200))


def test_no_port_is_given_to_two_processes() -> None:
    """A broker takes seconds to listen, and is away while it is killed: its port is its own all the while."""
    takes = (
        "from bridge.sandbox.engines.ports import free_ports; print(*free_ports(500), flush=True); input()"
    )
    with ExitStack() as running:
        command = [sys.executable, "-c", takes]
        takers = [running.enter_context(Popen(command, stdin=PIPE, stdout=PIPE, text=True)) for _ in range(2)]
        first, second = [set(taker.stdout.readline().split()) for taker in takers if taker.stdout]
        for taker in takers:
            taker.communicate("\n")
    assert len(first) == len(second) == 500
    assert not first & second
