"""Shows a download: bars on a terminal, one line per program elsewhere, nothing where all is cached."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

MEGABYTE = 1_000_000


class DownloadProgress:
    """Speaks only once a first file is really fetched. Safe to use from several threads."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._lock = threading.Lock()
        self._title = ""
        self._files = 0
        self._bytes = 0
        self._bars: Progress | None = None

    @contextmanager
    def program(self, title: str) -> Iterator[None]:
        """While one program's files are looked for and fetched."""
        self._title, self._files, self._bytes = title, 0, 0
        try:
            yield
        finally:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None
        if self._files:
            self._console.print(
                f"{title}: {self._files} files, {self._bytes / MEGABYTE:.1f} MB downloaded", highlight=False
            )

    @contextmanager
    def file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """While one file is fetched: yields what to call with each number of bytes that came."""
        bars = self._begin()
        task = bars.add_task(name, total=size, visible=not name.endswith(".pom")) if bars else None

        def arrived(count: int) -> None:
            with self._lock:
                self._bytes += count
            if bars and task is not None:
                bars.advance(task, count)

        try:
            yield arrived
        finally:
            if bars and task is not None:
                bars.remove_task(task)

    def _begin(self) -> Progress | None:
        with self._lock:
            self._files += 1
            if self._files == 1 and not self._console.is_terminal:
                self._console.print(f"{self._title}: downloading …", highlight=False)
            if self._bars is None and self._console.is_terminal:
                self._bars = _bars(self._console, self._title)
                self._bars.start()
            return self._bars


def _bars(console: Console, title: str) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(TextColumn(title), *columns, console=console, transient=True)
