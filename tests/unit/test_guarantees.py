"""deploy/guarantees.md names a test for each promise, and settings by their names."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy" / "guarantees.md").read_text("utf-8")
PROMISES = PAGE.split("| Hop |")[1].split("\n\n")[0].splitlines()[2:]


def test_every_promise_names_tests_that_are_there() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "integration").glob("test_*.py"))
    assert len(PROMISES) >= 8
    for promise in PROMISES:
        tests = re.findall(r"`(test_\w+)`", promise.split(" | ")[3])
        assert tests, promise
        assert [test for test in tests if f"def {test}(" not in sources] == []


def test_every_setting_it_names_is_there() -> None:
    sources = [
        path.read_text("utf-8")
        for path in (ROOT / "bridge", ROOT / "processors")
        for path in path.rglob("*settings.py")
    ]
    fields = {
        line.split(":")[0].strip().upper() for text in sources for line in text.splitlines() if ": " in line
    }
    named = re.findall(r"`((?:BRIDGE|PROCESSORS|KAFKA)_[A-Z_]+)", PAGE)
    assert named
    assert [name for name in named if not any(name.endswith(f"_{field}") for field in fields if field)] == []
