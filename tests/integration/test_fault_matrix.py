"""A short form of the fault matrix: a few seconds of each fault that no other test has.

`python -m tests.faults.matrix` runs all of it, for as long as each takes in earnest.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.processes import ProcessesEngine
from tests.faults import FAULTS
from tests.faults.base import Setup
from tests.faults.door_ended import Killed
from tests.faults.raw_topic import WITH_RULES
from tests.faults.small_disk import can_mount
from tests.faults.trial import Pace, try_fault
from tests.integration.conftest import start
from tests.integration.door_process import HASTY

# One engine with rules is enough: all on one of pytest-xdist's workers.
pytestmark = [pytest.mark.engine_processes, pytest.mark.xdist_group("fault matrix")]

SHORT = Pace(rate=200, around=100, seconds=2)
NAMES = (
    "topic missing",
    "topic deleted",
    "no permission",
    "JWKS down from the start",
    "disk full in the spool",
    "SQS redelivers",
    "SIGTERM under load",
)


class KilledInHaste(Killed):
    """A door that acknowledges before Kafka has confirmed, and is killed."""

    setup = Setup(program=HASTY, spool=False, seconds=0)


@pytest.fixture(scope="module")
def engine_with_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessesEngine]:
    """An engine of its own, for a rule that takes a right away needs a Kafka that heeds rules."""
    engine = ProcessesEngine(EngineOptions(broker_properties=WITH_RULES))
    start(engine, tmp_path_factory)
    yield engine
    engine.stop()


@pytest.fixture
def engine(engine_with_rules: ProcessesEngine, monkeypatch: pytest.MonkeyPatch) -> ProcessesEngine:
    """The same, and the sender to SQS finds its credentials."""
    for name, value in engine_with_rules.addresses.environment().items():
        monkeypatch.setenv(name, value)
    return engine_with_rules


@pytest.mark.parametrize("name", NAMES)
def test_a_door_stands_it_and_what_it_accepted_is_stored(
    name: str, engine: ProcessesEngine, tmp_path: Path
) -> None:
    if FAULTS[name].setup.disk and not can_mount():
        pytest.skip("only root can mount a small disk that is really full")
    row = try_fault(FAULTS[name], engine, tmp_path, SHORT)
    assert row.verdict.accepted >= 2 * SHORT.around
    assert row.verdict.holds, row


def test_the_same_trial_finds_what_a_hasty_door_loses(engine: ProcessesEngine, tmp_path: Path) -> None:
    row = try_fault(KilledInHaste(), engine, tmp_path, SHORT)
    assert row.verdict.lost > 0
    assert row.verdict.invented == row.verdict.altered == 0
