"""The doors as processes, killed under load: what was acknowledged is on the raw topic."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.identity import event_id
from bridge.sandbox.engines.base import Engine
from tests.integration.canvas_side import CanvasQueue, Load
from tests.integration.conftest import Stored
from tests.integration.door_process import HASTY, DoorProcess, wait_for
from tests.integration.engine_kafka import without_containers

KILLS = 3
PER_KILL = 400


@pytest.fixture
def queue(engine: Engine, queue_url: str) -> Iterator[CanvasQueue]:
    queue = CanvasQueue(engine, queue_url)
    with closing(queue.client):
        yield queue


def kill_under_load(door: DoorProcess) -> Load:
    """Kills the webhook again and again while it is busy; what it accepted."""
    load = Load(door.port)
    for kill in range(1, KILLS + 1):
        asyncio.run(load.run_until(kill * PER_KILL, door.kill))
        assert load.lost_connections == kill * 24, "it was killed with requests in hand"
        door.start()
    return load


@without_containers
def test_kill_9_of_the_webhook_loses_nothing_it_accepted(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", environment, tmp_path / "log") as door:
        load = kill_under_load(door)
        assert door.stop() == 0, door.log()
    records = stored()
    assert load.statuses == {202}
    assert len(load.accepted) >= KILLS * PER_KILL
    assert load.accepted - {record.value for record in records} == set()
    assert all(record.key == event_id(record.value).encode() for record in records)


@without_containers
def test_the_same_kill_finds_what_a_door_loses_that_acknowledges_first(
    environment: dict[str, str], stored: Stored, tmp_path: Path
) -> None:
    with DoorProcess("webhook", environment, tmp_path / "log", HASTY) as door:
        load = kill_under_load(door)
    assert load.accepted - {record.value for record in stored()}


def kill_while_it_drains(door: DoorProcess, queue: CanvasQueue) -> None:
    """Kills the SQS door again and again while messages are left."""
    for kill in range(1, KILLS + 1):
        goal = queue.total - queue.total * kill // (KILLS + 2)
        wait_for(lambda goal=goal: queue.left() <= goal, "progress")  # type: ignore[misc]
        door.kill()
        assert queue.left() > 0, "it was killed with messages left"
        door.start()


@without_containers
def test_kill_9_of_the_sqs_door_loses_nothing_it_deleted(
    environment: dict[str, str], stored: Stored, queue: CanvasQueue, tmp_path: Path
) -> None:
    sent = queue.send(queue.total)
    with DoorProcess("sqs", environment, tmp_path / "log") as door:
        kill_while_it_drains(door, queue)
        # What it had in hand comes back after the visibility timeout.
        wait_for(lambda: queue.left() == 0, "the queue to be empty")
        assert door.stop() == 0, door.log()
    records = stored()
    assert sent == {record.value for record in records}
    assert {record.header("canvas.event_name") for record in records} == {"logged_in"}


@without_containers
def test_the_same_kill_finds_what_a_door_loses_that_deletes_first(
    environment: dict[str, str], stored: Stored, queue: CanvasQueue, tmp_path: Path
) -> None:
    sent = queue.send(queue.total)
    with DoorProcess("sqs", environment, tmp_path / "log", HASTY) as door:
        kill_while_it_drains(door, queue)
        assert door.stop() == 0, door.log()
    assert len({record.value for record in stored()}) + queue.left() < len(sent)
