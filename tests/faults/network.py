"""What is around one program turns against it: its network to Kafka, its clock, the disk of its spool."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.chain import SPOOL, Chain

SLOW_SECONDS: Final = 0.4
BALLAST: Final = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class NetworkCut:
    """Connections are reset, and nobody answers there."""

    target: str
    least: float = 5.0

    def begin(self, chain: Chain) -> None:
        chain.around.wires[self.target].cut()

    def mend(self, chain: Chain) -> None:
        chain.around.wires[self.target].mend()


@dataclass(frozen=True, slots=True)
class NetworkSilent(NetworkCut):
    """Connections stay open, and every byte is lost."""

    def begin(self, chain: Chain) -> None:
        chain.around.wires[self.target].silence()


@dataclass(frozen=True, slots=True)
class NetworkSlow(NetworkCut):
    """Every byte is late, in either direction."""

    def begin(self, chain: Chain) -> None:
        chain.around.wires[self.target].slow(SLOW_SECONDS)


class SpoolDiskFull:
    """The webhook cannot reach Kafka, and somebody else's file leaves its spool no room."""

    target = "webhook"
    least = 5.0

    def begin(self, chain: Chain) -> None:
        chain.around.wires[self.target].cut()
        with suppress(OSError), self._ballast(chain).open("wb", buffering=0) as file:
            while True:
                file.write(BALLAST)
        chain.sites["webhook"].wait_for_refused(10)

    def mend(self, chain: Chain) -> None:
        self._ballast(chain).unlink()
        chain.around.wires[self.target].mend()

    def _ballast(self, chain: Chain) -> Path:
        return chain.folder / SPOOL / "ballast"


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The clock jumps, and jumps back."""

    target: str
    seconds: int
    least: float = 5.0

    def begin(self, chain: Chain) -> None:
        chain.around.clocks[self.target].step(self.seconds)

    def mend(self, chain: Chain) -> None:
        chain.around.clocks[self.target].step(0)
