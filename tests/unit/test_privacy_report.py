"""`canvas-processors privacy report` and `convert --privacy-policy`: as a person uses them."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from processors.__main__ import main
from processors.catalogue import EventType, load_catalogue
from processors.exports.pages.rows import rows
from processors.privacy.policy import CLASSES
from tests.unit.privacy_site import KEY, pseudonym

CATALOGUE = load_catalogue()
HEAD = 'version = "7"\nunknown = "drop"\n'
RULES = (
    HEAD + '[classes]\ndirect = "drop"\nindirect = "hmac"\n[paths]\n"/metadata/hostname" = "drop"\n'
    '[events.user_created]\n"/body/name" = { truncate = 1 }\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "privacy.toml"
    path.write_text(RULES)
    return path


def run(*arguments: str | Path, stdin: bytes | None = None, **env: str | None) -> Result:
    clean = {"PROCESSORS_PRIVACY__POLICY": None, "PROCESSORS_PRIVACY__KEY": None, "KAFKA_TOPIC_PREFIX": None}
    return CliRunner().invoke(main, [*map(str, arguments)], input=stdin, env={**clean, **env})


def as_json(*arguments: str | Path) -> Any:
    result = run("privacy", "report", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def personal(event_type: EventType) -> Iterator[tuple[str, str]]:
    """(path, class) of the personal fields, as the catalogue's pages have them."""
    for row in rows(event_type.schema):
        if row.pii not in ("", "none") and not row.type.startswith("array of record"):
            yield "/" + row.path.replace("[]", ".*").replace(".", "/"), row.pii


def test_every_personal_field_of_every_topic_is_there_once() -> None:
    fields = as_json()["fields"]
    found = Counter((field["topic"], field["field"], field["pii"]) for field in fields if field["event"])
    assert set(found.values()) == {1}
    events = {field["topic"]: field["event"] for field in fields if field["event"]}
    expected = {
        (topic, path, pii)
        for topic, event in events.items()
        for path, pii in personal(CATALOGUE.events[event])
    }
    assert set(events.values()) == set(CATALOGUE.events)
    assert set(found) == expected
    assert {pii for _, _, pii in expected} == set(CLASSES)


def test_without_a_policy_all_is_kept_and_topics_no_policy_reaches_are_named() -> None:
    report = as_json()
    assert report["policy"] is None
    assert {field["action"] for field in report["fields"] if field["event"]} == {"keep"}
    others = {field["topic"]: field for field in report["fields"] if not field["event"]}
    assert others["canvas.unknown"]["field"] == "/payload"
    assert others["canvas.rollup.course_progress"]["field"] == "/user_id"
    assert others["canvas.raw"]["note"] == others["canvas.dead_letter"]["note"]
    assert "no policy reaches this topic" in others["canvas.raw"]["note"]


def test_what_a_policy_does_and_by_which_rule(file: Path) -> None:
    report = as_json("--policy", file, "--kafka-topic-prefix", "x.")
    assert report["policy"]["version"] == "7"
    found = {(field["topic"], field["field"]): (field["action"], field["rule"]) for field in report["fields"]}
    assert found["x.user_created", "/body/name"] == ("truncate 1", "[events.user_created] /body/name")
    assert found["x.user_created", "/body/user_login"] == ("drop", "[classes] direct")
    assert found["x.user_created", "/metadata/user_id"] == ("hmac", "[classes] indirect")
    assert found["x.user_created", "/metadata/hostname"] == ("drop", "[paths] /metadata/hostname")
    assert found["x.user_created", "/extra"] == ("drop", "[classes] direct, indirect")
    assert found["x.logged_in", "/body/redirect_url"] == ("keep", None)
    assert found["x.unknown", "/payload"] == ("drop", "unknown")
    notes = {field["field"]: field["note"] for field in report["fields"] if field["topic"] == "x.logged_in"}
    assert notes["/metadata/context_id"] == "kept where context_type is Course, Account or Group"
    assert notes["/metadata/user_id"] is None


def test_extra_that_is_kept_is_kept_in_part(file: Path) -> None:
    file.write_text(RULES + '[events.logged_in]\n"/extra" = "keep"\n')
    fields = as_json("--policy", file)["fields"]
    (extra,) = [item for item in fields if (item["event"], item["field"]) == ("logged_in", "/extra")]
    assert (extra["action"], extra["rule"]) == ("keep", "[events.logged_in] /extra")
    assert extra["note"] == "less what was sent for a field that a rule takes"


def test_the_table_says_once_what_all_typed_topics_share(file: Path) -> None:
    lines = run("privacy", "report", PROCESSORS_PRIVACY__POLICY=str(file)).output.splitlines()
    assert lines[0].split() == ["topic", "field", "class", "action", "rule", "note"]
    typed = f"all {len(CATALOGUE.events)} typed topics"
    (login,) = [line for line in lines if "/metadata/user_login" in line]
    assert login.startswith(typed)
    assert [line.split()[0] for line in lines if "/body/user_login " in line] == [
        "canvas.user_created",
        "canvas.user_updated",
    ]
    assert len(as_json("--policy", file)["fields"]) > 2 * len(lines)
    assert "policy 7/" in lines[-1]


def test_a_policy_that_cannot_be_applied_is_explained(file: Path) -> None:
    file.write_text(HEAD + '[paths]\n"/body/usr_id" = "drop"')
    result = run("privacy", "report", "--policy", file)
    assert result.exit_code == 2
    assert "privacy.toml: [paths] /body/usr_id: no event has this field. Did you mean" in result.output


def test_convert_shows_what_would_be_written(file: Path) -> None:
    payload = {
        "metadata": {
            "event_name": "logged_in",
            "event_time": "2026-03-01T09:30:00.000Z",
            "user_id": "100000000000007",
            "user_login": "lovelace",
            "new": "lovelace",
        },
        "body": {},
    }
    stdin = json.dumps(payload).encode()
    plain = json.loads(run("convert", stdin=stdin).output)
    assert (plain["key"], plain["record"]["metadata"]["user_login"]) == ("100000000000007", "lovelace")
    result = run("convert", "--privacy-policy", file, stdin=stdin, PROCESSORS_PRIVACY__KEY=KEY)
    shown = json.loads(result.output)
    assert shown["key"] == shown["record"]["metadata"]["user_id"] == pseudonym("100000000000007")
    assert "lovelace" not in result.output


@pytest.mark.parametrize(
    ("key", "said"), [(None, "there is no key"), ("swordfish", "must have 32 characters or more")]
)
def test_convert_refuses_what_it_cannot_do(file: Path, key: str | None, said: str) -> None:
    result = run("convert", "--privacy-policy", file, stdin=b"{}", PROCESSORS_PRIVACY__KEY=key)
    assert result.exit_code == 2
    assert said in result.output
    assert "swordfish" not in result.output
