"""The dead-letter limit: a worker that can convert hardly anything stops, rather than pour it all away.

One event that cannot be converted is the event's trouble; most of them at once is ours: a schema, a release
or a policy that went wrong. Then the worker holds the batch that would go beyond the limit, commits nothing
of it, says why, is not ready, and looks again after a while. Nothing is lost by that: the raw topic waits.

Events count, once Kafka has confirmed what became of them; duplicates do not. A batch that is read again is
counted anew from what was confirmed before it, so no event counts twice. A restart begins with none.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from bridge.contract import Position
from processors import metrics
from processors.failures import Failure
from processors.fingerprint import fingerprint
from processors.records import Outcome
from processors.settings import DeadLetterLimitSettings

FIRST_HOLD_SECONDS: Final = 5.0
LONGEST_HOLD_SECONDS: Final = 60.0  # a worker that is silent for 90 s is taken for stuck
_KINDS: Final = 5  # of failures that one message tells of
_EXAMPLES: Final = 3  # of each
_REMEDY: Final = (
    "Mend what fails (schemas, policy, release) and deploy again; or, if these are to be dead letters, raise "
    "PROCESSORS_DEAD_LETTER_LIMIT__SHARE or __IN_A_ROW and restart the worker"
)


class LimitReached(Exception):
    """The batch would go beyond the limit. The message says by what, which failures, and how to go on."""


@dataclass(slots=True)
class Recent:
    """The last events: whether each is a dead letter, how many are, and how many in a row up to now."""

    events: deque[bool]
    dead: int = 0
    row: int = 0

    def add(self, *, dead: bool) -> None:
        """Takes the next event in, and forgets the oldest where there are enough."""
        if len(self.events) == self.events.maxlen:
            self.dead -= self.events[0]
        self.events.append(dead)
        self.dead += dead
        self.row = self.row + 1 if dead else 0


class Trial:
    """What one batch would add to the count. It counts once it is kept."""

    def __init__(self, settings: DeadLetterLimitSettings, recent: Recent) -> None:
        self.recent = Recent(recent.events.copy(), recent.dead, recent.row)
        self._settings = settings
        self._failures: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def note(self, outcome: Outcome) -> None:
        """Counts one event. Raises LimitReached where it is one dead letter too many."""
        failure = outcome.failure
        self.recent.add(dead=failure is not None)
        if failure is not None:
            self._remember(failure, outcome.raw.position)
            crossed = self._crossed()
            if crossed:
                raise LimitReached(f"{crossed}. {self._told()}. {_REMEDY}")

    def _remember(self, failure: Failure, position: Position | None) -> None:
        kind = _kind(failure)
        self._failures[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(str(position))

    def _crossed(self) -> str:
        """Which limit is crossed, in words; empty where none is."""
        recent, limit = self.recent, self._settings
        seen = len(recent.events)
        if recent.dead >= limit.minimum and recent.dead > limit.share * seen:
            return (
                f"{recent.dead} of the last {seen} events cannot be converted, the limit is {limit.share:.0%}"
            )
        if limit.in_a_row and recent.row > limit.in_a_row:
            return f"{recent.row} events in a row cannot be converted, the limit is {limit.in_a_row}"
        return ""

    def _told(self) -> str:
        """The failures of this batch, the most frequent first, with where to find some of them."""
        told = [
            f"{number} {kind} (as {', '.join(self._examples[kind])})"
            for kind, number in self._failures.most_common(_KINDS)
        ]
        rest = len(self._failures) - _KINDS
        return "In this batch so far: " + "; ".join(told) + (f"; {rest} kinds more" if rest > 0 else "")


@dataclass(slots=True)
class DeadLetterLimit:
    """The limit of one process. One thread counts, any may ask."""

    settings: DeadLetterLimitSettings
    _recent: Recent = field(init=False)
    _holds: int = 0

    def __post_init__(self) -> None:
        self._recent = Recent(deque(maxlen=self.settings.events))
        metrics.DEAD_LETTER_LIMIT_REACHED.set(0)

    @property
    def reached(self) -> bool:
        """Whether a batch is held."""
        return self._holds > 0

    def trial(self) -> Trial:
        """For the next batch, or for the same again."""
        return Trial(self.settings, self._recent)

    def keep(self, trial: Trial) -> None:
        """Kafka has confirmed the batch: its events count, and no batch is held."""
        self._recent = trial.recent
        self._holds = 0
        metrics.DEAD_LETTER_LIMIT_REACHED.set(0)
        metrics.DEAD_LETTER_SHARE.set(self._recent.dead / max(1, len(self._recent.events)))

    def hold(self) -> float:
        """A batch is held. For so many seconds: from 5, doubled up to 60, each shortened by up to a tenth."""
        longest = min(LONGEST_HOLD_SECONDS, FIRST_HOLD_SECONDS * 2.0 ** min(self._holds, 10))
        self._holds += 1
        metrics.DEAD_LETTER_LIMIT_REACHED.set(1)
        return longest * random.uniform(0.9, 1)  # noqa: S311 - jitter, no secret


def _kind(failure: Failure) -> str:
    # The event's name may come out of the payload: only the fingerprint holds it.
    return f"{failure.reason} {fingerprint(failure.reason, failure.event_name, failure.field)}"
