"""Console commands as child processes: started, waited for, and stopped, whatever happens in between."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_SECONDS = 30.0


class ChildFailed(Exception):
    """A child ended, or did not become ready in time. The text holds the end of its log."""


class Children:
    """Starts commands of this project, each with a log file, and stops them in reverse order on leaving."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self.environment = dict(os.environ) | dict(environment)
        self._stack = ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, name: str, *command: str) -> None:
        """Starts a command; its output goes to `<folder>/<name>.log`."""
        with self.log(name).open("wb") as output:
            child = subprocess.Popen(
                [console(command[0]), *command[1:]],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which stops them in order
            )
        self._running[name] = child
        self._stack.callback(self.stop, name)

    def run(self, name: str, *command: str) -> None:
        """Runs a command to its end. Raises ChildFailed where its exit status is not 0."""
        self.start(name, *command)
        if self._running[name].wait() != 0:
            raise ChildFailed(self._explain(name, "failed"))

    def run_here(self, *command: str) -> None:
        """Runs a command that shows its own progress. Raises ChildFailed where its exit status is not 0."""
        child = subprocess.run([console(command[0]), *command[1:]], env=self.environment, check=False)
        if child.returncode != 0:
            raise ChildFailed(f"{' '.join(command[:2])} failed with exit status {child.returncode}")

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float = 120.0) -> None:
        """Waits until `ready`. Raises ChildFailed where the child ends before, or the time is up."""
        limit = time.monotonic() + seconds
        while not ready():
            if self._running[name].poll() is not None:
                raise ChildFailed(self._explain(name, "ended before it was ready"))
            if time.monotonic() > limit:
                raise ChildFailed(self._explain(name, f"was not ready after {seconds:.0f} s"))
            time.sleep(0.1)

    def check(self) -> None:
        """Raises ChildFailed where a long-running child has ended with an error."""
        for name, child in self._running.items():
            if child.poll() not in (None, 0):
                raise ChildFailed(self._explain(name, "ended"))

    def stop(self, name: str) -> None:
        """Asks a child to stop, and kills it where it does not."""
        child = self._running.pop(name)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self._folder / f"{name}.log"

    def _explain(self, name: str, what: str) -> str:
        tail = self.log(name).read_text("utf-8", "replace").splitlines()[-15:]
        return f"{name} {what}; the end of {self.log(name)}:\n" + "\n".join(f"  {line}" for line in tail)


def console(command: str) -> str:
    """The path of a console command of this very environment."""
    beside = Path(sys.executable).parent / command
    return str(beside) if beside.exists() else command
