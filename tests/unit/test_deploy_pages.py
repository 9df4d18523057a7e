"""The pages of deploy/ name files, tests and settings that are there, and policies that are judged good."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.check.sqs_policy import judge_policy

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "deploy").glob("*.md"))
HARDENING = (ROOT / "deploy" / "hardening.md").read_text("utf-8")
ARN = "arn:aws:sqs:us-east-1:123456789012:canvas-live-events"
SOURCES = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def policy(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        HARDENING.split(f"<!-- {name} policy -->\n```json\n")[1].split("```")[0]
    )
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_it_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_it_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text("utf-8")))
    assert [name for name in named if f"def {name}(" not in SOURCES] == []


def test_every_threat_has_a_test_that_shows_its_mitigation() -> None:
    rows = HARDENING.split("| threat | mitigation | test |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) >= 15
    assert [row for row in rows if not re.findall(r"`test_\w+`", row.split(" | ")[2])] == []


def test_the_queues_policy_lets_canvas_send_and_nobody_else() -> None:
    finding = judge_policy(json.dumps(policy("queue")), ARN)
    assert (finding.outcome, finding.finding) == ("ok", "Canvas's account 636161780776 may send")


def test_a_narrow_queue_policy_lets_canvas_send_too() -> None:
    narrow = policy("queue")
    narrow["Statement"][0]["Action"] = json.loads(re.findall(r"`(\[[^`]*SendMessage[^`]*\])`", HARDENING)[0])
    assert judge_policy(json.dumps(narrow), ARN).outcome == "ok"


def test_the_doors_policy_lets_it_do_what_it_does_and_no_more() -> None:
    statements = policy("door")["Statement"]
    calls = "".join(path.read_text("utf-8") for path in (ROOT / "bridge" / "ingress").glob("sqs*.py"))
    # A batch needs the right to its single call.
    called = {
        f"sqs:{name.removesuffix('Batch')}" for name in re.findall(r'"([A-Z]\w+(?:Message|Batch)\w*)"', calls)
    }
    taken, looked = (statement["Action"] for statement in statements)
    assert set(taken) == called
    assert looked == "sqs:GetQueueAttributes"
    assert {statement["Resource"] for statement in statements} == {ARN}
    assert {statement["Effect"] for statement in statements} == {"Allow"}
