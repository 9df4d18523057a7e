"""Programs as our children: hurt, restarted, explained when they fail, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.sandbox.engines.base import EngineFailure
from bridge.sandbox.engines.java.child import Child, Launch, Watchdog, stop_all

WAIT_SECONDS = 30.0
SLEEPER = "import time; open({flag!r}, 'a').write('up\\n'); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
ORPHANS = """
import os, signal, sys
from pathlib import Path
from bridge.sandbox.engines.java.child import Child, Launch, Watchdog
watchdog = Watchdog()
for number in range(2):
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = Child(Launch("sleeper", command, Path(sys.argv[1])), watchdog)
    child.start()
    print(child._process.pid, flush=True)
child.pause()
signal.pause()
"""


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    running = Watchdog()
    yield running
    running.close()


def python(tmp_path: Path, program: str) -> Launch:
    flag = tmp_path / "flag"
    command = [sys.executable, "-c", program.format(flag=str(flag))]
    return Launch("Sleeper 1.0", command, tmp_path / "log", flag.exists)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def state(pid: int) -> str:
    """As `ps` says it: S sleeps, T is stopped, empty: is gone."""
    done = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip().rstrip("Z")


def pid_of(child: Child) -> int:
    assert child._process is not None
    return child._process.pid


def test_it_is_paused_resumed_killed_and_started_again(tmp_path: Path, watchdog: Watchdog) -> None:
    child = Child(python(tmp_path, SLEEPER), watchdog)
    child.start()
    child.wait_until_usable()
    first = pid_of(child)
    child.pause()
    until(lambda: state(first).startswith("T"))
    child.resume()
    until(lambda: not state(first).startswith("T"))
    child.kill()
    assert state(first) == ""
    child.check()  # killed by us: no failure
    child.restart()
    assert pid_of(child) != first
    stop_all([child])


@pytest.mark.parametrize("program", [SLEEPER, STUBBORN])
def test_it_is_stopped_even_when_paused_or_stubborn(tmp_path: Path, watchdog: Watchdog, program: str) -> None:
    child = Child(python(tmp_path, program), watchdog)
    child.start()
    child.wait_until_usable()
    pid = pid_of(child)
    child.pause()
    stop_all([child])
    assert state(pid) == ""
    stop_all([child])


def test_a_failed_start_shows_the_end_of_the_log_and_the_remedy(tmp_path: Path, watchdog: Watchdog) -> None:
    program = "[print('line', n) for n in range(99)]; raise SystemExit(3)"
    child = Child(python(tmp_path, program), watchdog)
    child.start()
    with pytest.raises(EngineFailure) as failure:
        child.wait_until_usable()
    text = str(failure.value)
    assert text.startswith("Sleeper 1.0 ended with status 3. The end of ")
    assert "line 98" in text
    assert "line 1\n" not in text
    assert "start again" in text
    child.kill()


def test_what_ends_by_itself_is_noticed(tmp_path: Path, watchdog: Watchdog) -> None:
    child = Child(python(tmp_path, SLEEPER), watchdog)
    child.start()
    child.wait_until_usable()
    pid = pid_of(child)
    os.kill(pid, signal.SIGKILL)
    until(lambda: state(pid) == "")
    with pytest.raises(EngineFailure, match="ended with status -9"):
        child.check()
    child.kill()


def test_what_cannot_be_run_is_said(tmp_path: Path, watchdog: Watchdog) -> None:
    child = Child(Launch("Nothing 1.0", [str(tmp_path / "nothing")], tmp_path / "log"), watchdog)
    with pytest.raises(EngineFailure, match=r"Nothing 1\.0 cannot be run"):
        child.start()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_us_however_we_end(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(state(pid) for pid in pids)
    parent.send_signal(number)
    parent.communicate(timeout=WAIT_SECONDS)
    until(lambda: not any(state(pid) for pid in pids))
