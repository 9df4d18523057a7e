"""What may strike the chain: faults of doors, workers and registry, of their networks, clocks and disk."""

import signal
from dataclasses import dataclass
from typing import Final, Protocol

from tests.faults import FAULTS
from tests.faults.chain import Chain
from tests.faults.crew import MOST_WORKERS
from tests.faults.network import ClockStepped, NetworkCut, NetworkSilent, NetworkSlow, SpoolDiskFull
from tests.faults.proxy import Meddle, constant, passing, slow
from tests.faults.small_disk import can_mount
from tests.faults.surroundings import PROGRAMS
from tests.integration.door_process import wait_for

SESSION_SECONDS: Final = 6.0  # of the workers in a Stream


class Strike(Protocol):
    """A member. Two strikes of different targets may happen at the same time."""

    @property
    def target(self) -> str:
        """What is hit: broker, webhook, sqs or worker (all of them, which alone ask the registry)."""

    @property
    def least(self) -> float:
        """It lasts at least so many seconds, or proves nothing."""

    def begin(self, chain: Chain) -> None:
        """Hits."""

    def mend(self, chain: Chain) -> None:
        """Undoes it; from its return on the time to recover is counted."""


@dataclass(frozen=True, slots=True)
class OnDoor:
    """A fault of the matrix, in the chain."""

    fault: str
    target: str
    least: float = 0.0

    def begin(self, chain: Chain) -> None:
        fault = FAULTS[self.fault]
        fault.begin(chain.sites[fault.setup.door])

    def mend(self, chain: Chain) -> None:
        fault = FAULTS[self.fault]
        fault.mend(chain.sites[fault.setup.door])


class WorkerKilled:
    """SIGKILL of one of them, wherever it is in its batch."""

    target = "worker"
    least = 0.0

    def begin(self, chain: Chain) -> None:
        self._name = chain.dice.choice(chain.crew.names)
        chain.crew.release(self._name).kill()

    def mend(self, chain: Chain) -> None:
        chain.crew.want(self._name)


class WorkerTerminated(WorkerKilled):
    """SIGTERM of one of them: it ends with 0 after the batch in flight."""

    def begin(self, chain: Chain) -> None:
        self._name = chain.dice.choice(chain.crew.names)
        worker = chain.crew.release(self._name)
        assert worker.ended() is not None or worker.stop() == 0, worker.log()


class WorkerZombie:
    """One is frozen until others have its partitions; then it goes on, and must be shut out."""

    target = "worker"
    least = 2 * SESSION_SECONDS

    def begin(self, chain: Chain) -> None:
        chain.crew.scale(max(2, len(chain.crew.names)))
        self._name = chain.dice.choice(chain.crew.names)
        worker = chain.crew.one(self._name)
        wait_for(lambda: worker.get("/healthz/ready") == "ok\n", f"readiness of {self._name}")
        worker.send(signal.SIGSTOP)

    def mend(self, chain: Chain) -> None:
        chain.crew.one(self._name).send(signal.SIGCONT)


class Rescaled:
    """One worker becomes four, and four become two."""

    target = "worker"
    least = 10.0

    def begin(self, chain: Chain) -> None:
        chain.crew.scale(1)
        chain.crew.scale(MOST_WORKERS)

    def mend(self, chain: Chain) -> None:
        chain.crew.scale(2)


class RegistryAway(WorkerKilled):
    """Nobody answers for the registry while a worker starts, which must wait for it."""

    def begin(self, chain: Chain) -> None:
        chain.registry.close()
        super().begin(chain)
        chain.crew.want(self._name)

    def mend(self, chain: Chain) -> None:
        chain.registry.open()


class RegistryAnswers(WorkerKilled):
    """The registry answers in a way of its own while a worker starts."""

    def __init__(self, meddle: Meddle) -> None:
        self._meddle = meddle

    def begin(self, chain: Chain) -> None:
        chain.registry.meddle = self._meddle
        super().begin(chain)
        chain.crew.want(self._name)

    def mend(self, chain: Chain) -> None:
        chain.registry.meddle = passing


NOT_FOUND: Final = b'{"error_code":40401,"message":"Subject not found."}'
# Twice as far apart as they are, what the doors stamp stays within the two hours of the duplicate window.
CLOCK_SECONDS: Final = 55 * 60
BROKER: Final[dict[str, Strike]] = {
    name: OnDoor(name, "broker", least)
    for name, least in (("broker stopped", 5.0), ("broker paused", 5.0), ("broker kill -9", 0.0))
}
DOORS: Final[dict[str, Strike]] = {
    "webhook kill -9": OnDoor("kill -9 under load", "webhook"),
    "webhook SIGTERM": OnDoor("SIGTERM under load", "webhook"),
    "SQS door kill -9": OnDoor("kill -9 under load, SQS", "sqs"),
    "SQS door SIGTERM": OnDoor("SIGTERM under load, SQS", "sqs"),
    "SQS deletes half, with 200": OnDoor("SQS deletes half, with 200", "sqs", 5.0),
    "SQS redelivers": OnDoor("SQS redelivers", "sqs", 5.0),
    "SQS throttled": OnDoor("SQS throttled", "sqs", 5.0),
}
WORKERS: Final[dict[str, Strike]] = {
    "worker kill -9": WorkerKilled(),
    "worker SIGTERM": WorkerTerminated(),
    "worker zombie": WorkerZombie(),
    "workers 1-4-2": Rescaled(),
    "registry down": RegistryAway(),
    "registry slow": RegistryAnswers(slow(3)),
    "registry 500": RegistryAnswers(constant(500, b'{"error_code":50001}', "application/json")),
    "registry a web page": RegistryAnswers(constant(200, b"<html>Sign in</html>")),
    "registry of others": RegistryAnswers(constant(404, NOT_FOUND, "application/json")),
}
NETWORK: Final[dict[str, Strike]] = {
    **{f"network cut, {program}": NetworkCut(program) for program in PROGRAMS},
    **{f"network silent, {program}": NetworkSilent(program) for program in PROGRAMS},
    **{f"network slow, {program}": NetworkSlow(program) for program in PROGRAMS},
}
CLOCK: Final[dict[str, Strike]] = {
    **{f"clock ahead, {program}": ClockStepped(program, CLOCK_SECONDS) for program in PROGRAMS},
    **{f"clock behind, {program}": ClockStepped(program, -CLOCK_SECONDS) for program in PROGRAMS},
}
DISK: Final[dict[str, Strike]] = {"disk full in the spool": SpoolDiskFull()}
STRIKES: Final[dict[str, Strike]] = {**BROKER, **DOORS, **WORKERS, **NETWORK, **CLOCK, **DISK}


def possible() -> tuple[str, ...]:
    """The names of those that this machine can have."""
    return tuple(name for name in STRIKES if name not in DISK or can_mount())
