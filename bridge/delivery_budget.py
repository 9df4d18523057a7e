"""How much of what Canvas bears is used up: it switches a subscription off after too many bad answers.

Counted are the answers of the last 24 h, in both of Canvas's kinds: those that came too late, and those that
were no 2xx. The meter may count too much, never too little: whatever may have been Canvas's own delivery
counts, so a 401 does as well, for with a wrong key set or list of root accounts each of Canvas's deliveries
gets one. Only a request for another path or method is a stranger's for sure.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, get_args

from bridge.metrics import BUDGET_LIMIT, BUDGET_SHARE, BUDGET_USED

Kind = Literal["timeout", "failure"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LIMITS: Final[dict[Kind, int]] = {"timeout": 9_500, "failure": 28_000}  # Canvas's own, in 24 h, about
CANVAS_WAITS_SECONDS: Final = 15.0
WINDOW_MINUTES: Final = 24 * 60
STEPS: Final = (0.25, 0.5, 0.75, 1.0)
STRANGERS: Final = frozenset({"path", "method"})

log = logging.getLogger(__name__)


class Window:
    """Counts by reason, a bucket for each minute of the last 24 h. Minutes are those since the epoch."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, Counter[str]]] = deque()
        self._reasons: Counter[str] = Counter()
        self.total = 0

    def add(self, minute: int, reason: str, count: int = 1) -> None:
        """Counts in that minute, or in the latest where the clock was set back."""
        if not self._minutes or self._minutes[-1][0] < minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][reason] += count
        self._reasons[reason] += count
        self.total += count

    def forget(self, minute: int) -> None:
        """Drops what is older than the window that ends in that minute."""
        while self._minutes and self._minutes[0][0] < minute - WINDOW_MINUTES:
            gone = self._minutes.popleft()[1]
            self._reasons -= gone
            self.total -= gone.total()

    def reasons(self) -> dict[str, int]:
        """Counts by reason, the most first."""
        return dict(self._reasons.most_common())

    def rows(self) -> Iterator[tuple[int, dict[str, int]]]:
        """Every bucket, the oldest first."""
        for minute, counts in self._minutes:
            yield minute, dict(counts)


class DeliveryBudget:
    """The meter of one process; several replicas each count their own share. Safe to ask from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[Kind, Window] = {kind: Window() for kind in KINDS}
        self._steps: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.changes = 0
        for kind in KINDS:
            BUDGET_USED.labels(kind).set_function(lambda kind=kind: self.used(kind))  # type: ignore[misc]
            BUDGET_SHARE.labels(kind).set_function(lambda kind=kind: self.share(kind))  # type: ignore[misc]
            BUDGET_LIMIT.labels(kind).set(LIMITS[kind])

    def count(self, status: int, reason: str | None, seconds: float) -> None:
        """Takes note of one answer: its status, why it was refused (None: it was not), how long it took."""
        if reason in STRANGERS:
            return
        if seconds >= CANVAS_WAITS_SECONDS:
            self._add("timeout", reason or "accepted")  # Canvas was gone by then, whatever it was told
        elif not 200 <= status < 300:
            self._add("failure", reason or str(status))

    def used(self, kind: Kind) -> int:
        """Answers of that kind in the last 24 h."""
        with self._lock:
            return self._window(kind).total

    def share(self, kind: Kind) -> float:
        """The part of Canvas's limit that is used, 1.0 being all of it."""
        return self.used(kind) / LIMITS[kind]

    def report(self) -> dict[str, Any]:
        """For people: by kind what is used of what, and for which reasons."""
        with self._lock:
            return {
                kind: {
                    "used": self._window(kind).total,
                    "limit": LIMITS[kind],
                    "share": round(self._windows[kind].total / LIMITS[kind], 4),
                    "reasons": self._windows[kind].reasons(),
                }
                for kind in KINDS
            }

    def rows(self) -> dict[Kind, list[tuple[int, dict[str, int]]]]:
        """Everything counted, to be kept: by kind a list of (minute since the epoch, count by reason)."""
        with self._lock:
            return {kind: list(self._window(kind).rows()) for kind in KINDS}

    def restore(self, rows: dict[Kind, list[tuple[int, dict[str, int]]]]) -> None:
        """Takes up what an earlier process counted. What was warned of then is not warned of again."""
        with self._lock:
            for kind, minutes in rows.items():
                for minute, counts in sorted(minutes, key=lambda row: row[0]):
                    for reason, count in counts.items():
                        # A minute to come was written under a wrong clock: it counts from now on.
                        self._windows[kind].add(min(minute, self._now()), reason, count)
                self._steps[kind] = _step(self._window(kind).total, kind)

    def _add(self, kind: Kind, reason: str) -> None:
        with self._lock:
            self._window(kind).add(self._now(), reason)
            self.changes += 1
            before, total = self._steps[kind], self._windows[kind].total
            step = self._steps[kind] = _step(total, kind)
            reasons = self._windows[kind].reasons() if step > before else {}
        if reasons:
            _warn(kind, total, reasons)

    def _window(self, kind: Kind) -> Window:
        window = self._windows[kind]
        window.forget(self._now())
        self._steps[kind] = min(self._steps[kind], _step(window.total, kind))
        return window

    def _now(self) -> int:
        return int(self._clock() // 60)


def _step(total: int, kind: Kind) -> int:
    return sum(total >= share * LIMITS[kind] for share in STEPS)


def _warn(kind: Kind, total: int, reasons: dict[str, int]) -> None:
    most = ", ".join(f"{reason} {count}" for reason, count in list(reasons.items())[:3])
    log.warning(
        "delivery budget: %d of about %d %ss (%d %%) in 24 h are used (%s). At 100 %% Canvas switches the "
        "subscription off and sends nothing more: mend the cause, or take some of its event types off.",
        total,
        LIMITS[kind],
        kind,
        100 * total // LIMITS[kind],
        most,
    )
