"""A file system of a few MiB, in memory: it is really full. Only root can mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOUNT: Final = "/bin/mount"
UMOUNT: Final = "/bin/umount"


def can_mount() -> bool:
    """Whether this user may."""
    return os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk in an empty folder; sizes as `mount` has them, e.g. 24m."""
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run([UMOUNT, str(folder)], check=True)
