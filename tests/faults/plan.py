"""What strikes when: all of it follows from a seed, so a run can be had again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.sandbox.dice import Dice
from tests.faults.strikes import STRIKES

PAUSE_SECONDS: Final = (2.0, 8.0)
HOLD_SECONDS: Final = (0.0, 12.0)
TWO_AT_A_TIME: Final = 0.3


@dataclass(frozen=True, slots=True)
class Step:
    """Strikes (one, or two of different targets) after a pause, and how long they last; seconds."""

    pause: float
    names: tuple[str, ...]
    hold: float

    def __str__(self) -> str:
        return f"after {self.pause:.1f} s {' + '.join(self.names)} for {self.hold:.1f} s"


def plan(seed: int, seconds: float, among: Sequence[str] = tuple(STRIKES)) -> list[Step]:
    """Enough steps for that time. Each strike of those given has its turn before one comes again."""
    dice = Dice(f"{seed}/plan")
    steps: list[Step] = []
    turns: list[str] = []
    planned = 0.0
    while planned < seconds:
        if not turns:
            turns += dice.sample(among, k=len(among))
        names = _with_another(turns.pop(), among, dice)
        least = max(STRIKES[name].least for name in names)
        step = Step(dice.uniform(*PAUSE_SECONDS), names, max(least, dice.uniform(*HOLD_SECONDS)))
        steps.append(step)
        planned += step.pause + step.hold
    return steps


def _with_another(name: str, among: Sequence[str], dice: Dice) -> tuple[str, ...]:
    others = [other for other in among if STRIKES[other].target != STRIKES[name].target]
    return (name, dice.choice(others)) if others and dice.chance(TWO_AT_A_TIME) else (name,)


def printed(steps: Sequence[Step]) -> str:
    """One line each."""
    return "\n".join(f"{number:3}. {step}" for number, step in enumerate(steps, 1))
