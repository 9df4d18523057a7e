"""Ends what a sandbox started when the sandbox itself has died, however it died.

A script of its own process. It reads `+<group>` and `-<group>` (process group ids, one a line) from
standard input, and at its end, which comes with the sandbox's, kills the groups that are left. Unlike
the kernel's parent-death signal this works on every POSIX system, from every thread, and for processes
that are paused.
"""

import os
import signal
import sys


def watch() -> None:
    """Returns after the end of standard input."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch()
