"""The same rows on a terminal and in a pipe."""

import os
import pty
import subprocess
import sys

import pytest

from processors.table import print_table, progress

ROWS = [("x.one-value", 7, 1, "new"), ("x.two-value", None, None, "refused")]
COLUMNS = ("subject", "id", "version", "change")
SHOW = f"from processors.table import *; print_table({COLUMNS}, {ROWS}); [*progress([1, 2], 'Counting')]"


def test_a_pipe_gets_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "subject      id  version  change",
        "x.one-value  7   1        new",
        "x.two-value  -   -        refused",
    ]


def test_a_table_without_rows_has_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [])
    assert capsys.readouterr().out == "subject  id  version  change\n"


def test_progress_is_silent_in_a_pipe_and_gives_every_step(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(progress([1, 2, 3], "Counting")) == [1, 2, 3]
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_drawn_table_and_a_bar() -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", SHOW], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # how a pseudo-terminal ends on Linux
        pass
    os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode()
    assert "│ x.two-value │ -  │ -       │ refused │" in text
    assert "Counting" in text
