"""The workers of the chain: one to four, kept running."""

import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from confluent_kafka import Consumer

from tests.faults.clock import SteppedClock
from tests.integration.worker_process import Stream, WorkerProcess

MOST_WORKERS: Final = 4
KEEP_SECONDS: Final = 0.5


class QuietStream(Stream):
    """A stream whose watcher does not tell of a Kafka that is away: that is what this is about."""

    @cached_property
    def _watcher(self) -> Consumer:
        config = {"group.id": self.group, "isolation.level": "read_uncommitted", "log_level": 0}
        return Consumer({"bootstrap.servers": self.servers, **config})


class Worker(WorkerProcess):
    """A worker that tells whether it runs."""

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended; a frozen one has not."""
        return self._process is not None and self.ended() is None

    @property
    def ran(self) -> bool:
        """Whether it has ever begun."""
        return self._process is not None


class Crew:
    """The workers. One that is wanted and has ended by itself is started again, as Kubernetes does."""

    def __init__(self, environment: Mapping[str, str], folder: Path, clock: SteppedClock) -> None:
        own = {**environment, "PROCESSORS_ROLLUPS": "false"}
        self._workers = {
            name: Worker({**own, "PROCESSORS_INSTANCE_ID": name}, folder / name, clock.running("processors"))
            for name in (f"worker-{number}" for number in range(1, MOST_WORKERS + 1))
        }
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="crew", daemon=True)
        self.started_again = 0

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._keeper.join()
        for worker in self._workers.values():
            worker.kill()

    @property
    def names(self) -> list[str]:
        """Of those that are wanted."""
        with self._lock:
            return sorted(self._wanted)

    def one(self, name: str) -> Worker:
        """The worker of that name."""
        return self._workers[name]

    def release(self, name: str) -> Worker:
        """From now on nobody starts it again."""
        with self._lock:
            self._wanted.discard(name)
        return self._workers[name]

    def want(self, name: str) -> None:
        """Starts it, and keeps it."""
        with self._lock:
            if not self._workers[name].running:
                self._workers[name].start()
            self._wanted.add(name)

    def scale(self, number: int) -> None:
        """So many workers; those too many end in good order."""
        names = list(self._workers)
        for name in names[:number]:
            if name not in self.names:
                self.want(name)
        for name in names[number:]:
            if name in self.names:
                worker = self.release(name)
                assert worker.stop() == 0, worker.log()

    def logs(self) -> str:
        """Of all, those that have any."""
        return "".join(worker.log() for worker in self._workers.values() if worker.ran)

    def _keep(self) -> None:
        while not self._closing.wait(KEEP_SECONDS):
            with self._lock:
                for name in self._wanted:
                    if self._workers[name].ended() is not None:
                        self._workers[name].start()
                        self.started_again += 1
