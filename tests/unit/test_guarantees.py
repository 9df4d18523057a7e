"""deploy/guarantees.md names a test for each promise, and settings by their names."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy" / "guarantees.md").read_text("utf-8")
PROMISES = PAGE.split("| Hop |")[1].split("\n\n")[0].splitlines()[2:]
GUARDS = PAGE.split("| Guard |")[1].split("\n\n")[0].splitlines()[2:]
SOURCES = "".join(
    path.read_text("utf-8")
    for folder in ("integration", "unit")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
)


def test_every_promise_names_tests_that_are_there() -> None:
    assert len(PROMISES) >= 8
    for promise in PROMISES:
        tests = re.findall(r"`(test_\w+)`", promise.split(" | ")[3])
        assert tests, promise
        assert missing(tests) == []


@pytest.mark.parametrize("guard", ["acknowledge last", "transaction", "fencing", "dedup warm-up"])
def test_every_guard_names_the_test_that_fails_without_it_and_the_one_that_shows_it(guard: str) -> None:
    rows = [row for row in GUARDS if row.startswith(f"| {guard}: ")]
    assert rows
    for row in rows:
        *_, fails, shows = row.strip("| ").split(" | ")
        for cell in (fails, shows):
            tests = re.findall(r"`(test_\w+)`", cell)
            assert tests, row
            assert missing(tests) == []


def missing(tests: Iterable[str]) -> list[str]:
    """Those that no test is called."""
    return [test for test in tests if f"def {test}(" not in SOURCES]


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
