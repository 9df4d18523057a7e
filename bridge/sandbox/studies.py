"""Who is on the way through which course, and how far."""

from collections import deque
from collections.abc import Callable
from typing import Final

from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Progress

DEBOUNCE_MILLISECONDS: Final = 120_000  # Canvas tells of a student's progress at most so often

_OPEN = 20  # students on their way through a course, at least
_MOST = 2000  # at most: who began longest ago is forgotten, as one who dropped out


class Studies:
    """Progress in courses. `freshman` lets a new student begin a course, through `begin`."""

    def __init__(self, dice: Dice, freshman: Callable[[], None]) -> None:
        self._dice = dice
        self._freshman = freshman
        self._studying: deque[Progress] = deque(maxlen=_MOST)

    def begin(self, progress: Progress) -> None:
        """Somebody begins a course."""
        self._studying.append(progress)

    def advance(self, now: int, *, finish: bool) -> Progress:
        """A student completes requirements: some but not the last, or with `finish` all that are left.

        Nobody who has finished a course is chosen for it again, so progress only grows.
        """
        while len(self._studying) < _OPEN:
            self._freshman()
        if finish:
            place = self._furthest()
            progress = self._studying[place]
            del self._studying[place]
            progress.completed += progress.left
        else:
            progress = self._continuing(now)
            progress.completed += min(progress.left - 1, self._dice.choice((1, 1, 1, 2, 3)))
        progress.told_at = now
        return progress

    def _furthest(self) -> int:
        some = self._dice.sample(range(len(self._studying)), k=8)
        return min(some, key=lambda place: self._studying[place].left)

    def _continuing(self, now: int) -> Progress:
        for _ in range(8):
            progress = self._dice.choice(self._studying)
            if progress.left > 1 and now - progress.told_at >= DEBOUNCE_MILLISECONDS:
                return progress
        self._freshman()
        return self._studying[-1]
