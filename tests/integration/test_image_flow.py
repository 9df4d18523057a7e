"""The whole flow from our own image, every container with the command, variables and rights of a pod."""

from pathlib import Path

import pytest

from bridge.sandbox.flow import Flow
from processors.failures import Reason
from tests.integration.image import one_build
from tests.integration.pods import Pods

COUNT = 200


@one_build
@pytest.mark.parametrize(
    "engine", [pytest.param("containers", marks=pytest.mark.engine_containers)], indirect=True
)
def test_everything_accepted_comes_out(image: str, environment: dict[str, str], tmp_path: Path) -> None:
    with Pods(tmp_path, environment, image) as pods:
        flow = Flow(pods, tmp_path)
        flow.prepare()
        flow.start()
        report = flow.simulate(COUNT, seed=11)
        tally, duplicates = flow.settle(report["accepted"])
        statuses = {name: pods.end(name) for name in ("webhook", "sqs", "worker")}
    assert tally.raw == tally.total + duplicates
    assert tally.raw >= report["accepted"] >= COUNT
    assert tally.event_ids >= set(report["event_ids"])
    assert duplicates >= report["duplicates"] > 0
    assert tally.unknown == report["unknown"] > 0
    assert tally.dead_letters.total() == report["malformed"] > 0
    assert tally.dead_letters.keys() <= set(Reason)
    assert len(report["accepted_by_door"]) == 2
    assert tally.rollup, pods.log("worker").read_text()[-2000:]
    assert statuses == {"webhook": 0, "sqs": 0, "worker": 0}
