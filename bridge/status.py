"""What /status tells people: named sections, each told by the part that knows it."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

Section = Callable[[], Any]

log = logging.getLogger(__name__)


class Status:
    """The sections of one process. No section may hold a payload, a token or a secret."""

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._sections: dict[str, Section] = {}

    def tell(self, name: str, section: Section) -> None:
        """From now on the page has a section of that name: what `section` returns when it is asked."""
        self._sections[name] = section

    def report(self) -> dict[str, Any]:
        """All sections now. One that fails costs only itself."""
        told = {name: _ask(name, section) for name, section in self._sections.copy().items()}
        return {"version": _version(), "started_at": self._started_at, **told}


STATUS: Final = Status()


def _ask(name: str, section: Section) -> Any:
    try:
        return section()
    except Exception as error:
        log.warning("/status cannot tell %s: %s", name, type(error).__name__)
        return {"error": type(error).__name__}


def _version() -> str:
    try:
        return version("canvas-bridge")
    except PackageNotFoundError:
        return "unknown"
