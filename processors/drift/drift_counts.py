"""Drift as the worker counts it: by event name and pointer, in a bounded number of pairs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from processors.drift.pointers import generalise
from processors.records import CanonicalEvent, Remark

OTHER: Final = "other"
Pair = tuple[str, str]


def drift_of(event: CanonicalEvent) -> Iterable[Pair]:
    """(event name, generalised pointer) of what no field of the event took; almost always nothing."""
    if event.event_name is None or Remark.EXTRA not in event.remarks:
        return ()
    return {(event.event_name, generalise(pointer)) for pointer in event.unclaimed}


class BoundedPairs:
    """Keeps the first pairs apart; every later one of an event goes by the pointer `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pairs: set[Pair] = set()

    def bound(self, counted: Counter[Pair]) -> Iterator[tuple[Pair, int]]:
        """The same counts, under labels of which there are never more than `most` and one per event."""
        for pair, number in counted.items():
            if len(self._pairs) < self._most:
                self._pairs.add(pair)
            yield (pair if pair in self._pairs else (pair[0], OTHER)), number


PAIRS: Final = BoundedPairs(500)  # one for the process, as the metric is
