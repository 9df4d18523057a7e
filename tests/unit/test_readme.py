"""The README says what the code does."""

import re
from pathlib import Path

from processors.failures import Reason

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_every_reason_has_a_row() -> None:
    section = README.split("## Why an event is a dead letter")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [reason.value for reason in Reason]


def test_every_file_it_links_to_is_there() -> None:
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
