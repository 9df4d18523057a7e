"""The keys of one partition that were seen lately, and when: about 32 bytes each.

A dict of keys takes 170 bytes each. Here a key is its 16-byte hash (BLAKE2b), and lies with up to 128 others
one after the other in a bytearray, its time in an array beside it; in which one is told by Python's own hash,
that nobody outside can foresee. Looking a key up is one search in a few hundred bytes, and forgetting is
cutting off the beginning, for times only grow.

Two keys of one hash would be taken for one. With n keys in the window the odds are n / 2^128 for each event:
of a billion events against a hundred million keys, 3 in 10^22 for any of them.
"""

from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 16
_KEYS_PER_BUCKET: Final = 128  # on average, at most; half of that after the buckets were doubled
_LOOK_EVERY: Final = 8  # so many keys more in a bucket, and it is looked through for outdated ones


class SeenKeys:
    """Keys and times, `span` milliseconds long. `time` is the record time: the greatest timestamp so far.

    Every method takes its `mark` of a key. Doubling the buckets, as the number of keys grows for the first
    time, takes about half a second per million keys. Not thread-safe.
    """

    def __init__(self, span: int) -> None:
        self.time = 0
        self._span = span
        self._buckets = [(bytearray(), array("q"))]
        self._number = 0

    def add(self, mark: bytes) -> None:
        """The key is seen now, at `time`."""
        keys, times = self._buckets[hash(mark) & (len(self._buckets) - 1)]
        keys += mark
        times.append(self.time)
        self._number += 1
        if not len(times) % _LOOK_EVERY:
            self._forget(keys, times)
            if self._number > len(self._buckets) * _KEYS_PER_BUCKET:
                self._double()

    def holds(self, mark: bytes, since: int) -> bool:
        """Whether the key was seen at that time or later."""
        keys, times = self._buckets[hash(mark) & (len(self._buckets) - 1)]
        at = keys.rfind(mark)
        while at > 0 and at % HASH_BYTES:  # the end of one hash and the beginning of the next
            at = keys.rfind(mark, 0, at + HASH_BYTES - 1)
        return at >= 0 and times[at // HASH_BYTES] >= since

    def __len__(self) -> int:
        """Keys held; a key that was seen again counts again until its first time is outdated."""
        return self._number

    def _forget(self, keys: bytearray, times: "array[int]") -> None:
        outdated = bisect_left(times, self.time - self._span)
        if outdated:
            del keys[: outdated * HASH_BYTES]
            del times[:outdated]
            self._number -= outdated

    def _double(self) -> None:
        wider = [(bytearray(), array("q")) for _ in range(2 * len(self._buckets))]
        for keys, times in self._buckets:
            for index, time in enumerate(times):
                mark = bytes(keys[index * HASH_BYTES : (index + 1) * HASH_BYTES])
                new_keys, new_times = wider[hash(mark) & (len(wider) - 1)]
                new_keys += mark
                new_times.append(time)
        self._buckets = wider


def mark_of(key: bytes) -> bytes:
    """The 16 bytes that stand for a key of any length."""
    return blake2b(key, digest_size=HASH_BYTES).digest()
