"""`canvas-bridge demo`: succeeds, and leaves nothing behind when it is interrupted."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.children import console

pytestmark = pytest.mark.engine_embedded

LIMIT = 240.0
MARK = "CANVAS_BRIDGE_DEMO_TEST"


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex


def demo(mark: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [console("canvas-bridge"), "demo", "--count", "200"],
            env={**os.environ, MARK: mark},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def relatives(mark: str) -> Iterator[str]:
    """The commands of all processes that were started under the mark."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                yield (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue


def test_the_demo_adds_up(mark: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    running = demo(mark, log)
    assert running.wait(LIMIT) == 0, log.read_text()
    text = log.read_text()
    assert " = typed " in text
    assert "events none is missing" in text
    assert list(relatives(mark)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(
    mark: str, tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "log"
    running = demo(mark, log)
    limit = time.monotonic() + LIMIT
    while "are ready" not in log.read_text():
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.1)
    running.send_signal(number)
    assert running.wait(LIMIT) == 130, log.read_text()
    assert list(relatives(mark)) == []
