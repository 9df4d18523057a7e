"""The whole flow on every engine: what went in at both doors comes out and adds up."""

from pathlib import Path

from bridge.sandbox.children import Children
from bridge.sandbox.flow import Flow
from processors.failures import Reason

COUNT = 400


def test_everything_accepted_comes_out(environment: dict[str, str], tmp_path: Path) -> None:
    with Children(tmp_path, {**environment, "LOG_LEVEL": "WARNING"}) as children:
        flow = Flow(children, tmp_path)
        flow.prepare()
        flow.start()
        report = flow.simulate(COUNT, seed=11)
        tally, duplicates = flow.settle(report["accepted"])
    assert tally.raw == tally.total + duplicates
    assert tally.raw >= report["accepted"]
    assert tally.event_ids >= set(report["event_ids"])
    assert duplicates >= report["duplicates"] > 0
    assert tally.unknown == report["unknown"] > 0
    assert tally.dead_letters.total() == report["malformed"] > 0
    assert tally.dead_letters.keys() <= set(Reason)
    assert len(report["accepted_by_door"]) == 2
    assert len(tally.typed) > 15
    assert tally.sample is not None
    assert tally.rollup
    for window in tally.rollup.values():
        assert window["requirement_completed_count"] <= window["requirement_count"]
        assert window["window_start"] <= window["last_event_time"] < window["window_end"]
