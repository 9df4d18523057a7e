"""The spool's disk is full, or the spool is at its own bound, while Kafka is away."""

from typing import Final

from tests.faults.base import Fault, Setup, Site

SMALLEST: Final = 16 * 1_048_576


class DiskFull(Fault):
    """The disk is full before the spool is at its bound. Then Kafka is back, and nobody makes room."""

    name = "disk full in the spool"
    setup: Final = Setup(disk="24m", padding=20_000, seconds=10)

    def begin(self, site: Site) -> None:
        site.engine.kill("kafka")
        site.wait_for_refused(10)
        assert "database or disk is full" in site.door.log()

    def mend(self, site: Site) -> None:
        site.engine.restart("kafka")


class SpoolFull(Fault):
    """The bound that the operator has set."""

    name = "spool at its bound"
    setup: Final = Setup(environment={"BRIDGE_SPOOL__MAX_BYTES": str(SMALLEST)}, padding=100_000, seconds=10)

    def begin(self, site: Site) -> None:
        site.engine.kill("kafka")
        site.wait_for_refused(10)
        assert site.metric("canvas_bridge_spool_bytes") <= SMALLEST

    def mend(self, site: Site) -> None:
        site.engine.restart("kafka")
