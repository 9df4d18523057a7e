"""Keeps the delivery budget across restarts, in one small file: written atomically, and rarely."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson

from bridge.delivery_budget import KINDS, DeliveryBudget, Kind

FILE: Final = "delivery-budget.json"
SAVE_SECONDS: Final = 60.0
VERSION: Final = 1

Rows = dict[Kind, list[tuple[int, dict[str, int]]]]

log = logging.getLogger(__name__)


class BudgetFile:
    """The file of one process's budget; `directory` None: nothing is kept."""

    def __init__(self, budget: DeliveryBudget, directory: Path | None) -> None:
        self._budget = budget
        self._path = directory / FILE if directory else None
        self._saving = threading.Lock()
        self._saved = 0
        self._failing = False

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Restores at the beginning; saves each minute in which something was counted, and at the end."""
        await asyncio.to_thread(self.restore)
        saving = asyncio.create_task(self._save_forever())
        try:
            yield
        finally:
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            await asyncio.to_thread(self.save)

    def restore(self) -> None:
        """Reads the file. One that cannot be understood is set aside, never an error."""
        if self._path is None:
            return
        try:
            rows = parse(self._path.read_bytes())
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("the delivery budget begins at 0: %s cannot be read (%s)", self._path, error.strerror)
            return
        except ValueError as error:
            self._set_aside(str(error))
            return
        self._budget.restore(rows)
        used = ", ".join(f"{self._budget.used(kind)} {kind}s" for kind in KINDS)
        log.info("delivery budget: %s of the last 24 h taken up from %s", used, self._path)

    def save(self) -> None:
        """Writes the file where anything was counted since; a failure is said once and tried again."""
        with self._saving:
            self._save()

    def _save(self) -> None:
        changes = self._budget.changes
        if self._path is None or changes == self._saved:
            return
        try:
            _replace(self._path, orjson.dumps({"version": VERSION, "minutes": self._budget.rows()}))
        except OSError as error:
            if not self._failing:
                log.warning("the delivery budget cannot be kept in %s: %s", self._path, error.strerror)
            self._failing = True
        else:
            self._saved, self._failing = changes, False

    async def _save_forever(self) -> NoReturn:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await asyncio.to_thread(self.save)

    def _set_aside(self, cause: str) -> None:
        assert self._path is not None  # noqa: S101 - for mypy
        aside = self._path.with_suffix(".corrupt")
        log.warning("the delivery budget begins at 0: %s is broken (%s), see %s", self._path, cause, aside)
        try:
            self._path.replace(aside)
        except OSError as error:
            log.warning("%s cannot be set aside: %s", self._path, error.strerror)


def parse(content: bytes) -> Rows:
    """The counts in a file's content. Raises ValueError where they are not exactly what is written there."""
    document = orjson.loads(content)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise ValueError(f"no budget of version {VERSION}")
    minutes = document.get("minutes")
    if not isinstance(minutes, dict) or set(minutes) != set(KINDS):
        raise ValueError("`minutes` has other kinds")
    return {kind: [_row(entry) for entry in _list(minutes[kind])] for kind in KINDS}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a kind is no list")
    return value


def _row(entry: Any) -> tuple[int, dict[str, int]]:
    match entry:
        case [int(minute), dict(counts)] if all(type(n) is int and n > 0 for n in counts.values()):
            return minute, counts
    raise ValueError("an entry is no minute with its counts")


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
