"""The plan of a soak: a seed is enough to have it again."""

from collections import Counter

import pytest

from tests.faults.plan import plan, printed
from tests.faults.strikes import DISK, STRIKES, possible

HOURS = 3 * 3600


def test_the_same_seed_plans_the_same_and_another_one_does_not() -> None:
    assert plan(7, HOURS) == plan(7, HOURS)
    assert plan(7, HOURS) != plan(8, HOURS)
    assert plan(7, HOURS)[:10] == plan(7, HOURS * 2)[:10]
    assert printed(plan(7, 60)).startswith("  1. after ")


def test_every_strike_has_its_turn_and_lasts_as_long_as_it_must() -> None:
    steps = plan(3, HOURS)
    turns = Counter(step.names[0] for step in steps)
    assert turns.keys() == STRIKES.keys()
    assert max(turns.values()) - min(turns.values()) <= 1
    assert all(step.hold >= STRIKES[name].least for step in steps for name in step.names)


def test_what_strikes_together_has_different_targets() -> None:
    pairs = [step.names for step in plan(3, HOURS) if len(step.names) == 2]
    assert pairs
    assert all(STRIKES[one].target != STRIKES[other].target for one, other in pairs)


@pytest.mark.parametrize("root", [True, False])
def test_only_root_can_fill_a_disk(*, root: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.strikes.can_mount", lambda: root)
    assert STRIKES.keys() - set(possible()) == (set() if root else DISK.keys())
