"""Runs our commands as a person does: in a process of their own, pointed at an engine by the environment."""

import os
import subprocess
import sys


def processors(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`canvas-processors` with these arguments, ended; its output is text."""
    return subprocess.run(
        [sys.executable, "-m", "processors", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def table(output: str) -> dict[str, list[str]]:
    """The rows a command printed, by their first cell: without head and summary."""
    lines = output.splitlines()
    rows = [line.split() for line in lines[1:] if len(line.split("  ")) > 1]
    return {row[0]: row[1:] for row in rows}
