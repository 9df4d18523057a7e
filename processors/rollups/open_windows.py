"""Which windows a rollup's table holds, and which of them no event can reach any more.

Faust's own expiry goes by the clock, so a re-derivation of old data would lose windows while it fills them.
Here the time is that of the records read: the earliest among the sources of a partition. A source that was
silent for ten minutes of clock time does not hold the others back.
"""

import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

SILENT_SECONDS = 600.0
Place = tuple[str, tuple[float, float]]  # key of the rollup, window in seconds


class OpenWindows:
    """Per partition: the windows of the table and how far its sources (topics) have been read.

    `kept`: how long after its end a window stays, in record time.
    """

    def __init__(
        self, sources: Sequence[str], kept: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._kept = kept.total_seconds()
        self._clock = clock
        self._windows: dict[int, dict[float, set[Place]]] = {}
        self._read: dict[int, dict[str, tuple[float, float]]] = {}

    def __len__(self) -> int:
        return sum(len(places) for ends in self._windows.values() for places in ends.values())

    def add(self, partition: int, place: Place) -> None:
        """The table has this window."""
        self._windows.setdefault(partition, {}).setdefault(place[1][1], set()).add(place)

    def discard(self, partition: int, place: Place) -> None:
        """The table has it no more."""
        ends = self._windows.get(partition, {})
        places = ends.get(place[1][1], set())
        places.discard(place)
        if not places:
            ends.pop(place[1][1], None)

    def read(self, partition: int, source: str, received_at: float) -> None:
        """A record of this partition of a source was received at that time (seconds since the epoch)."""
        now = self._clock()
        if partition not in self._read:
            self._read[partition] = dict.fromkeys(self._sources, (-math.inf, now))
        latest, _ = self._read[partition][source]
        self._read[partition][source] = (max(latest, received_at), now)

    def is_closed(self, partition: int, end: float) -> bool:
        """Whether a window with that end is past; an event for it comes too late."""
        return end + self._kept <= self._horizon(partition)

    def closed(self, partition: int) -> list[Place]:
        """The windows of the table that are past, to be deleted."""
        ends = self._windows.get(partition, {})
        return [place for end, places in ends.items() if self.is_closed(partition, end) for place in places]

    def _horizon(self, partition: int) -> float:
        now = self._clock()
        sources = self._read.get(partition, {}).values()
        return min((latest for latest, at in sources if now - at < SILENT_SECONDS), default=-math.inf)
