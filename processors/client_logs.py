"""Fewer lines from the clients: librdkafka tells of every refused connection, Faust of its own parts."""

import logging
import time

LIBRDKAFKA = logging.getLogger("librdkafka")
_SECONDS = 30.0


def quieten() -> None:
    """Faust from WARNING on; librdkafka once in 30 s per client and kind of message."""
    for name in ("faust", "mode", "aiokafka", "processors.app", "processors.roll_up_app"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    if not any(isinstance(item, _Sparsely) for item in LIBRDKAFKA.filters):
        LIBRDKAFKA.addFilter(_Sparsely())


class _Sparsely(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this kind (`FAIL [rdkafka#consumer-1] …`) was not told of in the last seconds."""
        kind = tuple(record.getMessage().split(" ", 2)[:2])
        now = time.monotonic()
        if now - self._said.get(kind, -_SECONDS) < _SECONDS:
            return False
        self._said[kind] = now
        return True
