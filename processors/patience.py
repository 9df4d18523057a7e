"""How the worker waits for Kafka: again and again, longer each time, until it is asked to stop."""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Patience:
    """Waiting between attempts: from 0.1 s, doubled up to 10 s, each shortened at random by up to a half.

    `stop()` ends every wait at once. `last_sign` is the monotonic time of the last sign of life: whoever
    waits for Kafka is alive. `last_trouble` is that of the last failure that waiting may cure. Thread-safe.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self.last_sign = time.monotonic()
        self.last_trouble = -math.inf

    def stop(self) -> None:
        """Ends all waiting: what fails from now on is not tried again."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def beat(self) -> None:
        """Gives a sign of life."""
        self.last_sign = time.monotonic()

    def note_trouble(self) -> None:
        """Something failed that may pass."""
        self.last_trouble = time.monotonic()

    def wait(self, attempt: int) -> bool:
        """Waits after the given attempt, counted from 0. False: we are to stop, so do not try again."""
        self.beat()
        self.note_trouble()
        longest = min(10.0, 0.1 * 2 ** min(attempt, 10))
        return not self._stopping.wait(longest * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret

    def pause(self, seconds: float) -> None:
        """Waits so long, or until we are to stop. Nobody is in trouble."""
        self.beat()
        self._stopping.wait(seconds)

    def insist(self, call: Callable[[], Answer], passes: Callable[[KafkaError], bool], doing: str) -> Answer:
        """Calls until it succeeds, as long as the errors are such that `passes` holds of them.

        Raises the KafkaException that no repetition cures, and at a stop any.
        """
        attempt = 0
        while True:
            self.beat()
            try:
                return call()
            except KafkaException as exception:
                error: KafkaError = exception.args[0]
                if error.fatal() or not passes(error) or not self.wait(attempt):
                    raise
                log.warning("%s: %s; trying again", doing, error.str())
                attempt += 1
