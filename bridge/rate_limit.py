"""Keeps trouble from flooding the log: a line of one kind at most every so often."""

import logging
import time
from collections.abc import Callable


class RateLimit(logging.Filter):
    """Lets one record per message template through in `seconds`, with the number it held back before.

    For a logger whose messages a stranger, or an outage, could otherwise write by the thousand.
    """

    def __init__(self, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._said: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        kind, now = str(record.msg), self._clock()
        if now - self._said.get(kind, float("-inf")) < self._seconds:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return False
        self._said[kind] = now
        held_back = self._held_back.pop(kind, 0)
        if held_back:
            record.msg = f"{record.msg} ({held_back} more of these were not written)"
        return True
