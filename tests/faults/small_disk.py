"""A file system of a few MiB, in memory: it is really full. Only root can mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOUNT: Final = "/bin/mount"
UMOUNT: Final = "/bin/umount"


def can_mount() -> bool:
    """Whether this user may."""
    return os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """Mounted at `folder`."""

    folder: Path

    def grow(self, size: str) -> None:
        """Makes room; sizes as `mount` has them, e.g. 24m."""
        subprocess.run([MOUNT, "-o", f"remount,size={size}", str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """A disk of that size in an empty folder."""
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([UMOUNT, str(folder)], check=True)
