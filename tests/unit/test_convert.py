"""The command `canvas-processors convert`."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from processors.convert import command

EVENT = {
    "metadata": {
        "event_name": "course_updated",
        "event_time": "2026-03-01T09:30:00.125Z",
        "root_account_id": "100000000000001",
    },
    "body": {"course_id": "565", "updated_at": "2026-03-01T03:30:00-06:00"},
}


def run(path: Path, *options: str) -> tuple[Result, list[dict[str, Any]]]:
    result = CliRunner().invoke(command, [str(path), *options])
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def test_a_record_is_plain_json_with_times_as_iso_8601(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENT, indent=2))
    result, (line,) = run(path, "--received-at", "2026-03-01T10:00:00Z")
    assert result.exit_code == 0
    record = line.pop("record")
    assert line == {
        "source": str(path),
        "outcome": "record",
        "event_name": "course_updated",
        "event_id": record["event_id"],
        "event_time": "2026-03-01T09:30:00.125Z",
        "topic": "canvas.course_updated",
        "key": "100000000000565",
    }
    assert record["body"]["updated_at"] == "2026-03-01T09:30:00.000Z"
    assert record["received_at"] == "2026-03-01T10:00:00.000Z"


def test_json_lines_are_events_each_and_a_broken_one_is_dead_lettered(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{json.dumps(EVENT)}\n{{\n{json.dumps(EVENT)}\n")
    result, lines = run(path)
    assert result.exit_code == 1
    assert [line["outcome"] for line in lines] == ["record", "dead_letter", "record"]
    assert lines[1]["stage"] == "validate"
    assert lines[1]["reason"] == "invalid_json"
    assert lines[1]["topic"] == "canvas.dead_letter"
    assert {"event_id", "message", "field"} <= lines[1].keys()


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_signed_body_is_read_and_said_to_be_unverified(tmp_path: Path, quote: str) -> None:
    segments = [b'{"alg":"RS256"}', json.dumps(EVENT).encode(), b"signature"]
    token = ".".join(base64.urlsafe_b64encode(segment).decode().rstrip("=") for segment in segments)
    path = tmp_path / "body.jwt"
    path.write_text(quote + token + quote + "\n")
    result, (line,) = run(path)
    assert line["outcome"] == "record"
    assert "not verified" in result.stderr


def test_an_unknown_event_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"metadata": {"event_name": "brand_new"}, "body": {}}))
    result, (line,) = run(path)
    assert result.exit_code == 0
    assert (line["outcome"], line["topic"], line["event_time"]) == ("unknown", "canvas.unknown", None)


def test_the_event_name_option_is_the_sqs_attribute(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"metadata": {"event_time": "2026-03-01T09:30:00Z"}, "body": {}}))
    _, (line,) = run(path, "--event-name", "logged_out")
    assert line["event_name"] == "logged_out"


def test_standard_input_is_read_as_a_dash() -> None:
    result = CliRunner().invoke(command, ["-"], input=json.dumps(EVENT))
    assert json.loads(result.stdout)["source"] == "-"


@pytest.mark.parametrize("options", [["no-such-file.json"], ["-", "--received-at", "noon"], ["--nonsense"]])
def test_misuse_exits_with_2(options: list[str]) -> None:
    assert CliRunner().invoke(command, options, input="{}").exit_code == 2
