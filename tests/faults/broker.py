"""Kafka itself goes: stopped, frozen, killed."""

from tests.faults.base import Fault, Setup, Site


class BrokerStopped(Fault):
    """It ends in good order, and stays away for a minute."""

    name = "broker stopped"
    setup = Setup(seconds=60)

    def begin(self, site: Site) -> None:
        site.engine.end("kafka")

    def mend(self, site: Site) -> None:
        site.engine.restart("kafka")


class BrokerStoppedWithoutSpool(BrokerStopped):
    """The same, and the webhook has no spool: it must refuse, for Canvas to try again."""

    name = "broker stopped, no spool"
    setup = Setup(seconds=60, spool=False)


class BrokerStoppedForSqs(BrokerStopped):
    """The same for the SQS door, which leaves the events in the queue."""

    name = "broker stopped, SQS door"
    setup = Setup(seconds=60, door="sqs")


class BrokerPaused(Fault):
    """Connections stay open and nothing answers (SIGSTOP)."""

    name = "broker paused"
    setup = Setup(seconds=30)

    def begin(self, site: Site) -> None:
        site.engine.pause("kafka")

    def mend(self, site: Site) -> None:
        site.engine.resume("kafka")


class BrokerKilled(Fault):
    """SIGKILL, and started again at once."""

    name = "broker kill -9"
    setup = Setup(seconds=0)

    def begin(self, site: Site) -> None:
        site.engine.kill("kafka")

    def mend(self, site: Site) -> None:
        site.engine.restart("kafka")
