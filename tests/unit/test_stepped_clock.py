"""The stepped clock of the fault tests: a program run by it has another time, whenever it looks."""

import subprocess
import sys
import time
from pathlib import Path

from tests.faults.clock import SteppedClock

ASKED = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.time_ns(), time.monotonic(), flush=True)
"""


def test_a_running_program_sees_each_step_and_its_monotonic_clock_goes_on(tmp_path: Path) -> None:
    (tmp_path / "asked.py").write_text(ASKED)
    clock = SteppedClock(tmp_path / "clock")
    command = clock.running("asked")
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        before = time.monotonic()
        for offset in (0, 3600, -3600, 0):
            clock.step(offset)
            real = time.time()
            process.stdin.write("\n")
            process.stdin.flush()
            told, told_ns, monotonic = map(float, process.stdout.readline().split())
            assert abs(told - real - offset) < 1800
            assert abs(told_ns / 1e9 - real - offset) < 1800
            assert before < monotonic
            before = monotonic
        process.stdin.close()
    assert process.returncode == 0


def test_a_program_is_given_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import sys\nprint(sys.argv[1:], __name__)\n")
    command = [*SteppedClock(tmp_path / "clock").running("told"), "one", "two"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['one', 'two'] __main__\n"
    assert command[0] == sys.executable
