"""The clock on the wall of a program of ours, put forward or back while it runs. Its monotonic clock goes on.

What steps is what the program's own code reads. librdkafka, which waits by the wall clock, is not told: with
a preloaded libfaketime, which lies to it too, a worker put an hour forward stood still, as on no real clock.
"""

import struct
import sys
from pathlib import Path
from typing import Final

PROGRAM: Final = str(Path(__file__).with_name("stepped_program.py"))
OFFSET: Final = struct.Struct("d")


class SteppedClock:
    """What programs that are run by it take for the time; they see a step at once."""

    def __init__(self, file: Path) -> None:
        """`file`: where the offset stands, for the programs to read."""
        self._file = file
        self._file.write_bytes(OFFSET.pack(0.0))

    def running(self, module: str) -> tuple[str, ...]:
        """The command for `python -m module`, which arguments may follow."""
        return (sys.executable, PROGRAM, str(self._file), module)

    def step(self, seconds: float) -> None:
        """From now on it is so far ahead of the real time, or behind it."""
        with self._file.open("r+b") as file:
            file.write(OFFSET.pack(seconds))
