"""A short soak with a fixed seed: strikes at the whole chain, and the sum at its end.

SOAK_SECONDS: how long it is struck. `python -m tests.faults.soak` runs longer ones.
"""

import os
from pathlib import Path

import pytest

from tests.faults.soak import Scale, soak
from tests.faults.soak_report import show
from tests.integration.conftest import required

SEED = 2802  # its first steps: network, clock, registry, broker, disk, doors, workers
SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))


@pytest.mark.engine_processes
def test_a_chain_that_is_struck_loses_doubles_invents_and_alters_nothing(tmp_path: Path) -> None:
    with required():
        report = soak(tmp_path, SEED, Scale(SECONDS))
    show(report)
    assert report.recovered, "nothing struck"
    assert report.raw.accepted > 0
    # What lost its answer with a killed door is stored and not accepted, and comes out all the same.
    assert report.typed.records == report.raw.records - report.raw.repeated
    assert report.holds
