"""Repeats of an event, told by the raw record's key within a window of record time.

The raw topic is its own duplicate log: the window is no store. When a partition is assigned, the source
reads back the window before the committed offset and feeds it here, so what is dropped does not depend on
crashes and rebalances.

Record time, and not the clock, decides, so that reading old data again drops the same repeats: it is the
greatest Kafka timestamp of a partition so far (what Kafka Streams calls stream time). A record that comes
late, out of a spool say, counts as seen when it is read: so its repeat, as late, is dropped too, and the
window needs no more than what was read within it. That is about 32 MB per million keys (seen_keys.py). Where
record time stands still, after a clock that ran ahead, keys are kept for that much longer; Kafka 4 takes no
record that is more than an hour ahead.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bridge.contract import RawEvent
from processors.worker.batches import Sighting
from processors.worker.seen_keys import SeenKeys, mark_of


class Sifted(NamedTuple):
    """What of a batch is to be processed, and how many of its records are repeats."""

    fresh: list[RawEvent]
    duplicates: int


class DuplicateWindow:
    """The keys seen in the last `seconds` of record time, per partition. With 0 nothing is a repeat.

    Takes about 32 bytes a key. Not thread-safe.
    """

    def __init__(self, seconds: int) -> None:
        self._span = seconds * 1000
        self._partitions: dict[int, SeenKeys] = {}
        self._recalled: dict[int, int] = {}  # partition -> offset after the last one that was recalled

    def sift(self, live: Sequence[RawEvent]) -> Sifted:
        """Parts the repeats from the rest, and changes nothing: a batch that fails leaves no trace."""
        if not self._span:
            return Sifted(list(live), 0)
        times = {partition: seen.time for partition, seen in self._partitions.items()}
        here: dict[tuple[int, bytes], int] = {}
        fresh: list[RawEvent] = []
        for raw in live:
            if raw.key is None or raw.position is None:
                fresh.append(raw)
                continue
            partition = raw.position.partition
            time = times[partition] = max(times.get(partition, 0), raw.received_at)
            earlier = here.get((partition, raw.key))
            here[partition, raw.key] = time
            since = time - self._span
            if (earlier is None or earlier < since) and not self._holds(partition, raw.key, since):
                fresh.append(raw)
        return Sifted(fresh, len(live) - len(fresh))

    def recall(self, history: Iterable[Sighting]) -> None:
        """Takes in keys that were processed before; again makes no difference."""
        for sighting in history:
            if sighting.offset >= self._recalled.get(sighting.partition, 0):
                self._recalled[sighting.partition] = sighting.offset + 1
                self._remember(sighting.partition, sighting.key, sighting.timestamp)

    def remember(self, live: Sequence[RawEvent]) -> None:
        """Takes in the keys of what was processed, once it is certain that it will not be read again."""
        for raw in live:
            if raw.key is not None and raw.position is not None:
                self._remember(raw.position.partition, raw.key, raw.received_at)

    def forget(self, partition: int) -> None:
        """Empties the window of a partition, to be filled from its history again."""
        self._partitions.pop(partition, None)
        self._recalled.pop(partition, None)

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))

    def _holds(self, partition: int, key: bytes, since: int) -> bool:
        seen = self._partitions.get(partition)
        return seen is not None and seen.holds(mark_of(key), since)

    def _remember(self, partition: int, key: bytes, timestamp: int) -> None:
        if not self._span:
            return
        seen = self._partitions.get(partition)
        if seen is None:
            seen = self._partitions[partition] = SeenKeys(self._span)
        seen.time = max(seen.time, timestamp)
        seen.add(mark_of(key))
