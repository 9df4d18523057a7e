"""deploy/compose.yaml: the whole product on one machine."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bridge.sandbox.tally import Tally, TopicReader
from tests.integration.composed import Composed, compose_program
from tests.integration.image import one_build

SECONDS = 600.0
COUNT = 200


@pytest.fixture
def program() -> list[str]:
    found = compose_program()
    if found is None and os.environ.get("IT_REQUIRED") != "1":
        pytest.skip("needs docker compose, or docker-compose 1.29 or later")
    assert found is not None, "there is no docker compose"
    return found


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@one_build
@pytest.mark.engine_containers
def test_the_whole_product_runs_from_compose(image: str, program: list[str], tmp_path: Path) -> None:
    with Composed(program, image, tmp_path) as composed:
        assert composed.state("setup")["ExitCode"] == 0
        for name in ("webhook", "sqs", "worker"):
            eventually(partial(is_healthy, composed, name), f"{name} is not healthy")
        # Its status is 1 where a door did not take a delivery.
        simulate = ("run", "--rm", "--no-deps", "-T", "simulate")
        composed(*simulate, f"--count={COUNT}", "--seed=7", "--unknown=0.05", "--malformed=0.02")
        tally = settled(composed)
        # Its status is 1 where the sum does not hold.
        audit = composed("exec", "-T", "worker", "canvas-processors", "audit", "--from", "1h")
        statuses = {}
        for name in ("webhook", "sqs", "worker"):
            composed("stop", name)
            statuses[name] = composed.state(name)["ExitCode"]
    assert tally.typed.total() > COUNT / 2
    assert tally.unknown > 0
    assert tally.dead_letters.total() > 0
    assert audit.strip().endswith("it adds up"), audit
    assert statuses == {"webhook": 0, "sqs": 0, "worker": 0}
    assert composed.left() == []


def is_healthy(composed: Composed, service: str) -> bool:
    state = composed.state(service)
    assert state["Running"], composed("logs", "--tail=20", service)
    return bool(state["Health"]["Status"] == "healthy")


def settled(composed: Composed) -> Tally:
    """What came out, once every raw record has."""
    reader = TopicReader(
        {"KAFKA_BOOTSTRAP_SERVERS": composed.kafka, "SCHEMA_REGISTRY_URL": composed.registry}
    )
    try:
        eventually(lambda: came_out(reader.read(0.5)), "not every raw record came out")
        return reader.tally
    finally:
        reader.close()


def came_out(tally: Tally) -> bool:
    # Repeats are dropped: what came out has as many ids as came in.
    return tally.raw >= COUNT and len(tally.event_ids) >= COUNT
