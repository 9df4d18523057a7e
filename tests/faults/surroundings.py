"""What is around each program of the chain, and can be turned against it: its way to Kafka, and its clock."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from bridge.sandbox.engines.processes import ProcessesEngine
from tests.faults.clock import SteppedClock
from tests.faults.wire import Wire

PROGRAMS: Final = ("webhook", "sqs", "worker")
LISTENERS: Final = tuple(program.upper() for program in PROGRAMS)  # of Kafka, one for each


class Surroundings:
    """Of every program a wire and a clock, by its name."""

    def __init__(self, engine: ProcessesEngine, folder: Path) -> None:
        """`engine`: with LISTENERS."""
        self.wires = {
            program: Wire({way.advertised: way.port for way in engine.ways(listener)})
            for program, listener in zip(PROGRAMS, LISTENERS, strict=True)
        }
        self.clocks = {program: SteppedClock(folder / f"{program}.clock") for program in PROGRAMS}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for wire in self.wires.values():
            self._stack.enter_context(wire)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def environment(self, program: str) -> dict[str, str]:
        """For the program, beside what all have."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.wires[program].addresses}
