"""`canvas-bridge spool`: what a hook and a person learn, and a spool that was left behind is emptied."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bridge.__main__ import main
from bridge.spool.database import FILE
from bridge.spool.store import Store
from tests.unit.spool_site import fill, left_in, record
from tests.unit.test_relay_publisher import Broker, read


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGE_SPOOL__DIRECTORY", raising=False)
    monkeypatch.setenv("KAFKA_DELIVERY_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["spool", *map(str, arguments)])


def test_status_is_told_beside_the_process_that_works_on_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    empty = run("status", "--directory", tmp_path)
    assert (empty.exit_code, empty.output) == (0, "empty\n")
    store.append([record(1, received_at=0), record(2)])
    filled = run("status", "--directory", tmp_path)
    assert filled.exit_code == 1
    assert filled.output.startswith("2 records, the oldest was received ")
    store.remove([1, 2])
    assert run("status", "--directory", tmp_path).exit_code == 0
    store.append([record(3)])
    assert store.level(0).records == 1
    store.close()


def test_status_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, [record(1)])
    before = (tmp_path / FILE).read_bytes()
    assert run("status", "--directory", tmp_path).exit_code == 1
    assert (tmp_path / FILE).read_bytes() == before


def test_status_waits_for_the_drain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.append([record(1), record(2)])
    left = iter([1, 2])
    monkeypatch.setattr("bridge.spool.command.time.sleep", lambda _: store.remove([next(left)]))
    waited = run("status", "--directory", tmp_path, "--wait", 60)
    assert (waited.exit_code, waited.output) == (0, "empty\n")
    store.append([record(3)])
    assert run("status", "--directory", tmp_path, "--wait", 0).exit_code == 1
    store.close()


def test_status_looks_only_after_what_a_pod_is_still_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        store.append([record(1)])

    monkeypatch.setattr("bridge.spool.command.time.sleep", sleep)
    assert run("status", "--directory", tmp_path, "--after", 5).exit_code == 1
    assert slept == [5]
    store.close()


@pytest.mark.parametrize("name", ["status", "drain"])
def test_a_directory_without_a_spool_is_an_error_and_stays_as_it_is(name: str, tmp_path: Path) -> None:
    assert run(name, "--directory", tmp_path).exit_code == 2
    assert run(name, "--directory", tmp_path / "typo").exit_code == 2
    assert run(name).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_drain_carries_what_was_left_behind_into_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.settings.bootstrap_servers)
    monkeypatch.setenv("KAFKA_DELIVERY_TIMEOUT_SECONDS", "30")
    monkeypatch.setenv("BRIDGE_SPOOL__DIRECTORY", str(tmp_path))
    events = [record(n) for n in range(300)]
    fill(tmp_path, events)
    done = run("drain")
    assert (done.exit_code, done.output) == (0, "300 records carried into canvas.raw\n")
    found = read(broker.settings, "canvas.raw", 300)
    assert found == {event.key: (event.value, event.received_at, dict(event.headers)) for event in events}
    assert left_in(tmp_path) == []


def test_drain_without_kafka_says_so_and_keeps_everything(tmp_path: Path) -> None:
    fill(tmp_path, [record(1), record(2)])
    failed = run("drain", "--directory", tmp_path)
    assert failed.exit_code == 1
    assert "2 of 2 records are left" in failed.output
    assert len(left_in(tmp_path)) == 2


def test_drain_keeps_off_a_spool_that_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failed = run("drain", "--directory", tmp_path)
    store.close()
    assert failed.exit_code == 1
    assert "another process" in failed.output


def test_it_is_a_command() -> None:
    group = main.get_command(click.Context(main), "spool")
    assert isinstance(group, click.Group)
    assert set(group.commands) == {"status", "drain", "leaving"}
