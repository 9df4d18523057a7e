"""The spool's directory, and the lock that makes it one process's own."""

import fcntl
import os
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "spool.lock"


class SpoolUnusable(Exception):
    """The spool cannot be opened until somebody changes something; the message says what."""


class DirectoryLock:
    """Held from its making until `release`, or until the process has ended, however it ended."""

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SpoolUnusable(
                f"cannot write to {directory}: {error.strerror}. "
                "Set BRIDGE_SPOOL__DIRECTORY to a directory on a local disk that this process may write to."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace") or "unknown"
            os.close(self._file)
            raise SpoolUnusable(
                f"another process (pid {holder}) works on the spool {directory}. "
                "Give each process a BRIDGE_SPOOL__DIRECTORY of its own, or end that process first."
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Lets another process have the directory."""
        os.close(self._file)
