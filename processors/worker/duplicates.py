"""Repeats of an event, told by the raw record's key within a window of record time.

The raw topic is its own duplicate log: the window is no store. When a partition is assigned, the source
reads back the window before the committed offset and feeds it here, so what is dropped does not depend on
crashes and rebalances. Record time (the Kafka timestamp) and not the clock decides, so that reading old
data again drops the same repeats.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bridge.contract import RawEvent
from processors.worker.batches import Sighting

_GENERATIONS = 8  # the window is forgotten in steps of an eighth
_Sightings = dict[int, dict[bytes, int]]  # generation -> key -> timestamp
_NONE: _Sightings = {}


class Sifted(NamedTuple):
    """What of a batch is to be processed, and how many of its records are repeats."""

    fresh: list[RawEvent]
    duplicates: int


class DuplicateWindow:
    """The keys seen in the last `seconds` of record time, per partition. With 0 nothing is a repeat.

    Takes about 120 bytes a key. Not thread-safe.
    """

    def __init__(self, seconds: int) -> None:
        self._milliseconds = seconds * 1000
        self._partitions: dict[int, _Sightings] = {}

    def sift(self, live: Sequence[RawEvent]) -> Sifted:
        """Parts the repeats from the rest, and changes nothing: a batch that fails leaves no trace."""
        here: dict[tuple[int, bytes], int] = {}
        fresh: list[RawEvent] = []
        for raw in live:
            if raw.key is None or raw.position is None or not self._milliseconds:
                fresh.append(raw)
                continue
            place = (raw.position.partition, raw.key)
            earlier = here.get(place)
            repeated = earlier is not None and raw.received_at - earlier <= self._milliseconds
            here[place] = raw.received_at
            if not (repeated or self._seen(*place, raw.received_at)):
                fresh.append(raw)
        return Sifted(fresh, len(live) - len(fresh))

    def recall(self, history: Iterable[Sighting]) -> None:
        """Takes in keys that were processed before; again makes no difference."""
        if self._milliseconds:
            for sighting in history:
                self._remember(sighting)

    def remember(self, live: Sequence[RawEvent]) -> None:
        """Takes in the keys of what was processed, once it is certain that it will not be read again."""
        self.recall(
            Sighting(raw.position.partition, raw.key, raw.received_at)
            for raw in live
            if raw.key is not None and raw.position is not None
        )

    def forget(self, partition: int) -> None:
        """Empties the window of a partition, to be filled from its history again."""
        self._partitions.pop(partition, None)

    def __len__(self) -> int:
        return sum(len(keys) for sightings in self._partitions.values() for keys in sightings.values())

    def _seen(self, partition: int, key: bytes, timestamp: int) -> bool:
        oldest = timestamp - self._milliseconds
        return any(
            keys.get(key, oldest - 1) >= oldest for keys in self._partitions.get(partition, _NONE).values()
        )

    def _remember(self, sighting: Sighting) -> None:
        span = self._milliseconds // _GENERATIONS
        sightings = self._partitions.setdefault(sighting.partition, {})
        generation = sighting.timestamp // span
        keys = sightings.get(generation)
        if keys is None:
            keys = sightings[generation] = {}
            oldest = max(sightings) - _GENERATIONS
            for outdated in [number for number in sightings if number < oldest]:
                del sightings[outdated]
        keys[sighting.key] = sighting.timestamp
