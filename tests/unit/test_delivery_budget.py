"""The delivery budget: what counts against Canvas's limits, for how long, and that it outlives a restart."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge import budget_file
from bridge.budget_file import FILE, BudgetFile
from bridge.delivery_budget import LIMITS, DeliveryBudget, Kind
from bridge.ingress.answers import REFUSALS
from bridge.metrics import BUDGET_LIMIT, BUDGET_SHARE, BUDGET_USED
from tests.unit.doors import until

DAY = 24 * 3600


class Clock:
    """Seconds since the epoch, as told."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> DeliveryBudget:
    return DeliveryBudget(clock)


def used(budget: DeliveryBudget) -> tuple[int, int]:
    return budget.used("timeout"), budget.used("failure")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_2xx_in_time_costs_nothing(budget: DeliveryBudget, status: int) -> None:
    budget.count(status, None, 14.9)
    assert used(budget) == (0, 0)


@pytest.mark.parametrize("reason", sorted(set(REFUSALS) - {"path", "method"}))
def test_each_refusal_of_what_may_be_canvas_s_is_a_failure(budget: DeliveryBudget, reason: Any) -> None:
    budget.count(REFUSALS[reason].status, reason, 0.01)
    assert used(budget) == (0, 1)


@pytest.mark.parametrize("reason", ["path", "method"])
def test_another_path_or_method_is_a_stranger_s(budget: DeliveryBudget, reason: Any) -> None:
    budget.count(REFUSALS[reason].status, reason, 60)
    assert used(budget) == (0, 0)


def test_a_reason_nobody_has_thought_of_counts(budget: DeliveryBudget) -> None:
    budget.count(418, "teapot", 0.01)
    budget.count(500, None, 0.01)
    assert used(budget) == (0, 2)
    assert budget.report()["failure"]["reasons"] == {"teapot": 1, "500": 1}


@pytest.mark.parametrize(("status", "reason"), [(202, None), (503, "not_stored"), (401, "signature")])
def test_a_late_answer_is_a_timeout_whatever_it_says(
    budget: DeliveryBudget, status: int, reason: str | None
) -> None:
    budget.count(status, reason, 15.0)
    assert used(budget) == (1, 0)


def test_an_answer_counts_for_24_hours_at_least_and_a_minute_longer_at_most(
    budget: DeliveryBudget, clock: Clock
) -> None:
    clock.now = 1_750_000_020.0  # a whole minute
    budget.count(503, "overloaded", 0)
    clock.now += DAY
    assert used(budget) == (0, 1)
    clock.now += 59
    assert used(budget) == (0, 1)
    clock.now += 1
    assert used(budget) == (0, 0)
    assert budget.report()["failure"]["reasons"] == {}


def test_the_window_rolls_minute_by_minute(budget: DeliveryBudget, clock: Clock) -> None:
    for _ in range(3 * 24 * 60):
        budget.count(503, "overloaded", 0)
        clock.now += 60
    assert 1440 <= budget.used("failure") <= 1441
    assert len(budget.rows()["failure"]) <= 1441


def test_a_clock_set_back_makes_nothing_be_forgotten_early(budget: DeliveryBudget, clock: Clock) -> None:
    budget.count(503, "overloaded", 0)
    clock.now -= 7200
    budget.count(503, "overloaded", 0)
    assert used(budget) == (0, 2)
    clock.now += DAY + 3600
    assert used(budget) == (0, 2)
    clock.now += 7200
    assert used(budget) == (0, 0)


def test_it_is_measured_against_both_limits(budget: DeliveryBudget) -> None:
    for _ in range(950):
        budget.count(202, None, 20)
    for _ in range(14_000):
        budget.count(503, "overloaded", 0)
    report = budget.report()
    assert report["timeout"] == {"used": 950, "limit": 9500, "share": 0.1, "reasons": {"accepted": 950}}
    assert report["failure"] == {
        "used": 14_000,
        "limit": 28_000,
        "share": 0.5,
        "reasons": {"overloaded": 14_000},
    }
    for metric, expected in ((BUDGET_USED, 14_000), (BUDGET_LIMIT, 28_000), (BUDGET_SHARE, 0.5)):
        samples = {s.labels["kind"]: s.value for family in metric.collect() for s in family.samples}
        assert samples["failure"] == expected


def spend(budget: DeliveryBudget, kind: Kind, share: float) -> None:
    for _ in range(round(share * LIMITS[kind])):
        budget.count(503, "not_stored", 20 if kind == "timeout" else 0)


@pytest.mark.parametrize("kind", ["timeout", "failure"])
def test_each_step_is_warned_of_once_and_again_after_falling_below_it(
    budget: DeliveryBudget, clock: Clock, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    spend(budget, kind, 0.2)
    clock.now += DAY / 2
    assert not caplog.messages
    spend(budget, kind, 0.2)
    assert len(caplog.messages) == 1
    assert f"of about {LIMITS[kind]} {kind}s (25 %) in 24 h are used (not_stored " in caplog.messages[0]
    spend(budget, kind, 0.7)
    assert [step for step in (25, 50, 75, 100) if f"({step} %)" in caplog.text] == [25, 50, 75, 100]
    assert len(caplog.messages) == 4
    spend(budget, kind, 0.1)
    assert len(caplog.messages) == 4
    clock.now += DAY + 60
    spend(budget, kind, 0.3)
    assert len(caplog.messages) == 5


def test_falling_below_a_step_is_noticed_by_a_look_alone(
    budget: DeliveryBudget, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spend(budget, "failure", 0.24)
    clock.now += 3600
    spend(budget, "failure", 0.24)
    assert len(caplog.messages) == 1
    clock.now += DAY - 1800
    assert budget.share("failure") < 0.25
    spend(budget, "failure", 0.02)
    assert len(caplog.messages) == 2


def test_one_that_falls_out_of_the_window_and_one_that_comes_in_its_place_cross_the_step_again(
    budget: DeliveryBudget, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    budget.count(503, "not_stored", 0)
    clock.now += 3600
    for _ in range(6999):
        budget.count(503, "not_stored", 0)
    assert len(caplog.messages) == 1
    clock.now += DAY - 3600 + 60
    budget.count(503, "not_stored", 0)
    assert len(caplog.messages) == 2


def restarted(folder: Path, clock: Clock) -> DeliveryBudget:
    budget = DeliveryBudget(clock)
    BudgetFile(budget, folder).restore()
    return budget


def test_it_is_kept_across_a_restart_and_goes_on_rolling(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path
) -> None:
    budget.count(503, "not_stored", 0)
    clock.now += 3600
    budget.count(202, None, 20)
    folder = tmp_path / "state"
    BudgetFile(budget, folder).save()
    assert [path.name for path in folder.iterdir()] == [FILE]
    again = restarted(folder, clock)
    assert again.report() == budget.report()
    clock.now += DAY - 1800
    assert used(again) == (1, 0)
    clock.now += 3600
    assert used(again) == (0, 0)


def test_what_was_warned_of_is_not_warned_of_again_after_a_restart(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spend(budget, "failure", 0.3)
    BudgetFile(budget, tmp_path).save()
    again = restarted(tmp_path, clock)
    spend(again, "failure", 0.1)
    assert len(caplog.messages) == 1
    spend(again, "failure", 0.15)
    assert len(caplog.messages) == 2


def test_minutes_to_come_count_from_now(budget: DeliveryBudget, clock: Clock, tmp_path: Path) -> None:
    budget.count(503, "not_stored", 0)
    BudgetFile(budget, tmp_path).save()
    clock.now -= 30 * DAY
    again = restarted(tmp_path, clock)
    assert used(again) == (0, 1)
    clock.now += DAY + 120
    assert used(again) == (0, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\x00",
        b"[]",
        b"{}",
        b'{"version":2,"minutes":{"timeout":[],"failure":[]}}',
        b'{"version":1,"minutes":{"timeout":[]}}',
        b'{"version":1,"minutes":{"timeout":[],"failure":{}}}',
        b'{"version":1,"minutes":{"timeout":[],"failure":[["now",{}]]}}',
        b'{"version":1,"minutes":{"timeout":[],"failure":[[1,{"path":-1}]]}}',
        b'{"version":1,"minutes":{"timeout":[],"failure":[[1,{"path":true}]]}}',
        b'{"version":1,"minutes":{"timeout":[],"failure":[[1,{"path":1e400}]]}}',
    ],
)
def test_a_broken_file_is_set_aside_and_never_stops_anything(
    content: bytes, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    budget = restarted(tmp_path, clock)
    assert used(budget) == (0, 0)
    assert "begins at 0" in caplog.text
    aside = tmp_path / "delivery-budget.corrupt"
    assert aside.read_bytes() == content
    budget.count(503, "not_stored", 0)
    BudgetFile(budget, tmp_path).save()
    assert used(restarted(tmp_path, clock)) == (0, 1)


def test_a_file_cut_short_anywhere_is_set_aside_and_never_half_read(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path
) -> None:
    for _ in range(5):
        budget.count(503, "not_stored", 0)
        clock.now += 60
    BudgetFile(budget, tmp_path).save()
    whole = (tmp_path / FILE).read_bytes()
    for length in range(len(whole)):
        (tmp_path / FILE).write_bytes(whole[:length])
        assert used(restarted(tmp_path, clock)) == (0, 0)


def test_no_directory_keeps_nothing_and_no_file_is_no_trouble(
    budget: DeliveryBudget, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    budget.count(503, "not_stored", 0)
    for folder in (None, tmp_path):
        BudgetFile(budget, folder).restore()
    BudgetFile(budget, None).save()
    assert not caplog.messages
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_written_is_said_once_until_it_can(
    budget: DeliveryBudget, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file")
    file = BudgetFile(budget, tmp_path / "state")
    for _ in range(3):
        budget.count(503, "not_stored", 0)
        file.save()
    assert len(caplog.messages) == 1
    assert "cannot be kept" in caplog.text
    (tmp_path / "state").unlink()
    file.save()
    assert (tmp_path / "state" / FILE).exists()


def test_a_write_that_breaks_off_leaves_the_earlier_file_whole(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = BudgetFile(budget, tmp_path)
    budget.count(503, "not_stored", 0)
    file.save()
    budget.count(503, "not_stored", 0)

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        file.save()
    assert used(restarted(tmp_path, clock)) == (0, 1)
    file.save()
    assert used(restarted(tmp_path, clock)) == (0, 2)


def test_it_is_written_only_where_something_was_counted(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path
) -> None:
    file = BudgetFile(budget, tmp_path)
    budget.count(202, None, 0)
    file.save()
    assert not (tmp_path / FILE).exists()
    budget.count(503, "not_stored", 0)
    file.save()
    (tmp_path / FILE).unlink()
    file.save()
    assert not (tmp_path / FILE).exists()


def test_it_is_kept_while_the_process_runs_and_at_its_end(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_file, "SAVE_SECONDS", 0.01)

    async def go() -> None:
        async with BudgetFile(budget, tmp_path).kept():
            budget.count(503, "not_stored", 0)
            await until((tmp_path / FILE).exists)
            monkeypatch.setattr(budget_file, "SAVE_SECONDS", 3600)
            budget.count(503, "not_stored", 0)

    asyncio.run(go())
    assert used(restarted(tmp_path, clock)) == (0, 2)


def test_the_file_holds_counts_and_nothing_else(budget: DeliveryBudget, clock: Clock, tmp_path: Path) -> None:
    budget.count(503, "not_stored", 0)
    BudgetFile(budget, tmp_path).save()
    content = orjson.loads((tmp_path / FILE).read_bytes())
    minute = int(clock.now // 60)
    assert content == {"version": 1, "minutes": {"timeout": [], "failure": [[minute, {"not_stored": 1}]]}}


def test_taking_up_is_said(
    budget: DeliveryBudget, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    budget.count(503, "not_stored", 0)
    BudgetFile(budget, tmp_path).save()
    with caplog.at_level(logging.INFO):
        restarted(tmp_path, clock)
    assert "0 timeouts, 1 failures of the last 24 h taken up" in caplog.text
