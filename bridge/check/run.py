"""Runs the checks side by side, none longer than the limit."""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from typing import Final

from bridge.check.base import OUTCOMES, Check, Finding, Outcome, Site, problem, skipped

CHECK_SECONDS: Final = 45.0  # beyond all limits of single calls together

log = logging.getLogger(__name__)


def run_checks(checks: Iterable[Check], site: Site, seconds: float = CHECK_SECONDS) -> list[Finding]:
    """The findings of all checks, in the order of the checks. Raises nothing."""
    runs = [_Run(check, site) for check in checks]
    end = time.monotonic() + seconds
    return [finding for run in runs for finding in run.findings(end)]


def worst(findings: Iterable[Finding]) -> Outcome:
    """The worst outcome; ok where nothing was looked at."""
    found = {finding.outcome for finding in findings} - {"skipped"}
    return max(found, key=OUTCOMES.index, default="ok")


class _Run:
    """One check at work. Its thread is a daemon: one that hangs holds nobody up at the end."""

    def __init__(self, check: Check, site: Site) -> None:
        self._check = check
        self._found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()
        threading.Thread(target=self._find, args=(site,), name=f"check {check.name}", daemon=True).start()

    def findings(self, end: float) -> list[Finding]:
        """All of them, or those until `end` (monotonic seconds) and that it took too long."""
        found: list[Finding] = []
        try:
            while (finding := self._found.get(timeout=max(0.001, end - time.monotonic()))) is not None:
                found.append(finding)
        except queue.Empty:
            remedy = "see whether the network or the service is slow, and run it again"
            found.append(problem(self._check.name, "did not end in time", remedy))
        return found

    def _find(self, site: Site) -> None:
        try:
            reason = self._check.needless(site)
            if reason is not None:
                self._found.put(skipped(self._check.name, reason))
                return
            for finding in self._check.find(site):
                self._found.put(finding)
        except Exception as error:  # the other checks go on
            log.debug("check %s", self._check.name, exc_info=True)
            cause = f"the check itself failed: {type(error).__name__}"
            self._found.put(
                problem(self._check.name, cause, "set LOG_LEVEL=DEBUG for its traceback, and report it")
            )
        finally:
            self._found.put(None)
