"""The door itself ends, in the midst of its work, and starts again; three times."""

from typing import Final

from tests.faults.base import Fault, Setup, Site

ROUNDS: Final = 3
BETWEEN: Final = 150


class DoorEnded(Fault):
    """What all have in common."""

    setup = Setup(seconds=0)

    def end(self, site: Site) -> None:
        """Ends the door."""
        raise NotImplementedError

    def begin(self, site: Site) -> None:
        for _ in range(ROUNDS - 1):
            self.end(site)
            site.door.start()
            site.wait_for_accepted(BETWEEN)
        self.end(site)

    def mend(self, site: Site) -> None:
        site.door.start()


class Terminated(DoorEnded):
    """SIGTERM: it answers what is in hand, and ends with 0."""

    name = "SIGTERM under load"

    def end(self, site: Site) -> None:
        assert site.door.stop() == 0, site.door.log()


class TerminatedSqs(Terminated):
    """The same for the SQS door."""

    name = "SIGTERM under load, SQS"
    setup = Setup(door="sqs", seconds=0)


class Killed(DoorEnded):
    """SIGKILL: no goodbye."""

    name = "kill -9 under load"

    def end(self, site: Site) -> None:
        site.door.kill()


class KilledSqs(Killed):
    """The same for the SQS door."""

    name = "kill -9 under load, SQS"
    setup = Setup(door="sqs", seconds=0)


class KilledWithoutKafka(Killed):
    """The same while Kafka is away: what was accepted is in the spool alone."""

    name = "kill -9 without Kafka"

    def begin(self, site: Site) -> None:
        site.engine.kill("kafka")
        super().begin(site)

    def mend(self, site: Site) -> None:
        site.engine.restart("kafka")
        super().mend(site)
