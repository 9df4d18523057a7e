"""Fewer lines from the clients below: in an outage librdkafka and aiokafka tell of every refusal."""

import logging
import time

LIBRDKAFKA = logging.getLogger("librdkafka")
_CLIENTS = ("librdkafka", "aiokafka", "faust", "mode")
_SECONDS = 30.0


def quieten() -> None:
    """Faust from WARNING on, and of each client one line of a kind in 30 s; at DEBUG they say everything.

    To be called after the handlers are set up.
    """
    root = logging.getLogger()
    if root.level <= logging.DEBUG:
        return
    for name in ("faust", "mode", "aiokafka", "processors.worker.app", "processors.rollups.faust_kafka"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for handler in root.handlers:
        handler.addFilter(_Sparsely())


class _Sparsely(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this kind (`FAIL [rdkafka#consumer-1] …`) was not told of in the last seconds."""
        if not record.name.startswith(_CLIENTS):
            return True
        kind = (record.name, *record.getMessage().split(" ", 2)[:2])
        now = time.monotonic()
        if now - self._said.get(kind, -_SECONDS) < _SECONDS:
            return False
        self._said[kind] = now
        return True
