"""The webhook with a spool, as a process: Kafka goes, the process is killed, nothing accepted is lost."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic

from bridge.contract import RawEvent
from bridge.identity import event_id
from bridge.ingress.base import now
from bridge.sandbox.engines.base import Engine
from tests.integration.canvas_side import Load, event
from tests.integration.conftest import Stored
from tests.integration.door_process import (
    COMMAND,
    PATIENCE,
    DoorProcess,
    free_port,
    records_of,
    wait_for,
)
from tests.integration.engine_kafka import on_processes, without_containers
from tests.unit.spool_site import fill, left_in

HASTY = (sys.executable, str(Path(__file__).with_name("hasty_spool.py")))
KILLS = 3
PER_KILL = 400
CONNECTIONS = 24


@pytest.fixture
def spooling(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment with a spool, and with little patience."""
    return {
        **environment,
        "BRIDGE_SPOOL__DIRECTORY": str(tmp_path / "spool"),
        "BRIDGE_SPOOL__KAFKA_SECONDS": "1",
        "BRIDGE_SPOOL__DRAIN_SECONDS": "1",
        "KAFKA_DELIVERY_TIMEOUT_SECONDS": "2",
    }


def nowhere(environment: dict[str, str]) -> dict[str, str]:
    """The same with no Kafka at its address."""
    return {**environment, "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}


def metric(door: DoorProcess, name: str) -> float:
    lines = [line for line in door.get("/metrics").splitlines() if line.startswith(name + " ")]
    return float(lines[0].split()[1]) if lines else -1.0


def wait_until_empty(door: DoorProcess) -> None:
    wait_for(lambda: metric(door, "canvas_bridge_spool_records") == 0, "the spool to be empty")


def check_conservation(load: Load, records: list[RawEvent]) -> None:
    """What was accepted is stored, and nothing else but what was sent and lost its answer."""
    values = {record.value for record in records}
    assert load.statuses <= {202}
    assert load.accepted - values == set()
    assert len(values - load.accepted) <= load.lost_connections
    assert all(record.key == event_id(record.value).encode() for record in records)
    assert {record.header("ce_source") for record in records} == {"/canvas-bridge/webhook"}
    assert all(record.header("ce_id") == (record.key or b"").decode() for record in records)


def kill_under_load(door: DoorProcess) -> Load:
    """Kills the webhook again and again while it is busy; what it accepted."""
    load = Load(door.port, CONNECTIONS)
    for kill in range(1, KILLS + 1):
        asyncio.run(load.run_until(kill * PER_KILL, door.kill))
        assert load.lost_connections == kill * CONNECTIONS, "it was killed with requests in hand"
        door.start()
    return load


@without_containers
def test_what_was_accepted_without_kafka_survives_kill_9_and_is_drained(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", nowhere(spooling), tmp_path / "log") as door:
        load = kill_under_load(door)
        assert metric(door, "canvas_bridge_spool_records") >= len(load.accepted)
        assert metric(door, "canvas_bridge_spool_oldest_seconds") > 0
        door.kill()
    assert {record.value for record in left_in(tmp_path / "spool")} >= load.accepted
    with DoorProcess("webhook", spooling, tmp_path / "log") as door:
        wait_until_empty(door)
        assert door.stop() == 0, door.log()
    check_conservation(load, stored())
    assert left_in(tmp_path / "spool") == []
    assert "Traceback" not in door.log()


@without_containers
def test_a_spool_is_drained_while_it_fills_and_killed_meanwhile(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", nowhere(spooling), tmp_path / "log") as door:
        load = Load(door.port, CONNECTIONS)
        asyncio.run(load.run_until(2000, door.kill))
        port = door.port
    with DoorProcess("webhook", spooling, tmp_path / "log", port=port) as door:
        for kill in range(1, KILLS + 1):
            asyncio.run(load.run_until(2000 + kill * PER_KILL, door.kill))
            door.start()
        wait_until_empty(door)
        assert door.stop() == 0, door.log()
    check_conservation(load, stored())


@without_containers
def test_the_same_kill_finds_what_an_unsafe_store_loses(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", nowhere(spooling), tmp_path / "log", HASTY) as door:
        load = kill_under_load(door)
        door.kill()
    assert load.accepted - {record.value for record in left_in(tmp_path / "spool")}


@without_containers
def test_sigterm_without_kafka_answers_keeps_and_the_next_start_drains(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", nowhere(spooling), tmp_path / "log") as door:
        load = Load(door.port, CONNECTIONS)
        ends: list[int] = []
        asyncio.run(load.run_until(500, lambda: ends.append(door.stop())))
        assert ends == [0], door.log()
    assert "records stay in the spool for the next start" in door.log()
    assert {record.value for record in left_in(tmp_path / "spool")} >= load.accepted
    with DoorProcess("webhook", spooling, tmp_path / "log") as door:
        wait_until_empty(door)
    check_conservation(load, stored())


@without_containers
def test_two_webhooks_on_one_directory_are_refused(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", spooling, tmp_path / "log"):
        second = DoorProcess("webhook", spooling, tmp_path / "second")
        with pytest.raises(AssertionError):
            second.start()
    assert second.ended() == 1
    assert "another process" in second.log()
    assert "Traceback" not in second.log()


@without_containers
def test_full_it_refuses_at_once_says_so_and_takes_again(
    spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    small = {**spooling, "BRIDGE_SPOOL__MAX_BYTES": str(16 * 1_048_576)}
    large = [event(n)[:-1] + b" " * 1_000_000 + b"}" for n in range(20)]

    async def post(door: DoorProcess, bodies: list[bytes]) -> list[int]:
        async with aiohttp.ClientSession() as client:
            return [(await client.post(door.url, data=body)).status for body in bodies]

    with DoorProcess("webhook", nowhere(small), tmp_path / "log") as door:
        statuses = asyncio.run(post(door, large))
        assert set(statuses) == {202, 503}
        assert door.get("/healthz/live") == "ok\n"
        assert "the spool is full" in door.log()
        assert metric(door, "canvas_bridge_spool_bytes") <= 16 * 1_048_576
        door.kill()
    with DoorProcess("webhook", small, tmp_path / "log") as door:
        wait_until_empty(door)
        assert asyncio.run(post(door, [event(100)])) == [202]
    accepted = {body for body, status in zip(large, statuses, strict=True) if status == 202}
    assert {record.value for record in stored()} == accepted | {event(100)}


@contextmanager
def outage(engine: Engine, how: str) -> Iterator[None]:
    """Kafka is away while the block lasts."""
    (engine.kill if how == "kill" else engine.pause)("kafka")
    try:
        yield
    finally:
        (engine.restart if how == "kill" else engine.resume)("kafka")


@on_processes
@pytest.mark.parametrize("how", ["kill", "pause"])
def test_an_outage_of_kafka_under_load_with_kills_loses_nothing_and_refuses_nothing(
    how: str, engine: Engine, spooling: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", spooling, tmp_path / "log") as door:
        load = Load(door.port, CONNECTIONS)
        asyncio.run(load.run_until(PER_KILL, door.kill))
        door.start()
        with outage(engine, how):
            for kill in range(2, KILLS + 2):
                asyncio.run(load.run_until(kill * PER_KILL, door.kill))
                door.start()
            assert metric(door, "canvas_bridge_spool_records") > 0
        asyncio.run(load.run_until((KILLS + 2) * PER_KILL, door.kill))
        door.start()
        wait_until_empty(door)
        assert door.stop() == 0, door.log()
    check_conservation(load, stored())
    assert "Traceback" not in door.log()


def drain(environment: dict[str, str], directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "spool", "drain", "--directory", str(directory)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@on_processes
def test_a_record_too_large_for_the_topic_holds_nobody_up_and_goes_once_it_may(
    engine: Engine, spooling: dict[str, str], topic_prefix: str, tmp_path: Path
) -> None:
    servers, topic = engine.addresses.kafka_bootstrap_servers, f"{topic_prefix}raw"
    admin = AdminClient({"bootstrap.servers": servers})
    limit = {"max.message.bytes": "50000"}
    admin.create_topics([NewTopic(topic, num_partitions=1, config=limit)])[topic].result(30)
    noise = random.Random(1).randbytes(100_000)  # lz4 must not make it small
    events = [RawEvent(b"%d" % n + noise * (n in (0, 7)), b"%d" % n, (), now()) for n in range(20)]
    fill(tmp_path / "spool", events)
    first = drain(spooling, tmp_path / "spool")
    assert first.returncode == 1, first.stderr
    assert "2 of 20 records are left: Kafka refuses them" in first.stderr
    assert left_in(tmp_path / "spool") == [events[0], events[7]]
    raised = ConfigEntry("max.message.bytes", "2097152", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[raised])
    admin.incremental_alter_configs([resource])[resource].result(30)
    second = drain(spooling, tmp_path / "spool")
    assert second.returncode == 0, second.stderr
    assert sorted(record.value for record in records_of(servers, topic)) == sorted(
        event.value for event in events
    )
