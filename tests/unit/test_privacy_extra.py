"""What a privacy policy does to `extra`, where values stand that no field takes."""

from pathlib import Path
from typing import Any

import pytest

from processors.catalogue import load_catalogue
from processors.drift.drift_counts import drift_of
from tests.unit.privacy_site import METADATA, Site, record_of, send

REAL = load_catalogue()
EXTENSION = "com.instructure.canvas"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("action", ['"drop"', '"hmac"', "{ truncate = 3 }"])
@pytest.mark.parametrize("name", ["direct", "indirect", "free_text"])
def test_a_rule_for_any_class_empties_it(site: Site, name: str, action: str) -> None:
    outcome = site.run(f"[classes]\n{name} = {action}", {"e_mail_2": "ada@example.edu"})
    assert record_of(outcome)["extra"] == {}
    assert b"ada@" not in outcome.outgoing.value


def test_classes_that_are_kept_keep_it(site: Site) -> None:
    rules = '[classes]\ndirect = "keep"\nindirect = "keep"\nfree_text = "keep"'
    assert record_of(site.run(rules, {"new": 1}))["extra"] == {"/body/new": "1"}


@pytest.mark.parametrize("where", ["[paths]", "[events.made_up]"])
def test_it_is_kept_where_that_is_said_less_what_was_sent_for_a_field_that_is_taken(
    site: Site, where: str
) -> None:
    rules = f'[classes]\ndirect = "drop"\n{where}\n"/extra" = "keep"'
    outcome = site.run(rules, {"email": ["ada@example.edu"], "new": 1})
    assert record_of(outcome)["extra"] == {"/body/new": "1"}


def test_it_can_be_dropped_alone(site: Site) -> None:
    record = record_of(site.run('[paths]\n"/extra" = "drop"', {"new": 1, "email": "ada@example.edu"}))
    assert record["extra"] == {}
    assert record["body"]["email"] == "ada@example.edu"


@pytest.mark.parametrize(
    ("path", "body", "left"),
    [
        ("/body/email", {"email": ["ada@x"], "new": 1}, {"/body/new": "1"}),
        ("/body/person/name", {"person": {"name": ["Ada"], "nick": "A"}}, {"/body/person/nick": '"A"'}),
        ("/body/person/name", {"person": ["Ada"]}, {}),  # holds the place
        ("/body/person", {"person": {"name": ["Ada"]}, "new": 1}, {"/body/new": "1"}),
        ("/body/lines/*/text", {"lines": [{"text": ["A"]}, {"by": "B"}]}, {"/body/lines/1/by": '"B"'}),
        ("/body/lines/*/text", {"lines": {"text": "A"}}, {}),
        ("/body/user_id", {"uid": ["7"], "user_id": "8"}, {}),  # its alias
        ("/body/email", {"e-mail~/": "x"}, {"/body/e-mail~0~1": '"x"'}),
        ("/metadata", {"email": ["ada@x"]}, {"/body/email": '["ada@x"]'}),
    ],
)
def test_what_did_not_fit_goes_with_the_field_it_was_sent_for(
    site: Site, path: str, body: dict[str, Any], left: dict[str, str]
) -> None:
    assert record_of(site.run(f'[paths]\n"{path}" = "drop"', body))["extra"] == left


def test_older_names_of_the_sections_are_the_same_places(site: Site) -> None:
    old = {"attributes": {**METADATA, "user_login": ["ada"]}, "data": {"email": ["ada@x"], "new": 1}}
    rules = '[paths]\n"/body/email" = "drop"\n"/metadata/user_login" = "drop"'
    assert record_of(site.send(rules, old))["extra"] == {"/data/new": "1"}


def test_places_of_caliper_are_those_of_the_field(site: Site) -> None:
    event = {
        "id": "urn:uuid:6d4d1bba-4f1c-4f2b-9d3c-0b9d6a1d2c3e",
        "type": "AssignableEvent",
        "action": "Submitted",
        "eventTime": "2026-03-01T09:30:00.000Z",
        "actor": {"extensions": {EXTENSION: {"user_login": ["ada@example.edu"], "shoe_size": 38}}},
        "object": {
            "id": "urn:instructure:canvas:submission:100000000000009",
            "assignee": {"id": {"deep": "urn:instructure:canvas:user:100000000000007"}},
        },
        "extensions": {EXTENSION: {"version": "1.0.0"}},
    }
    payload = {"sensor": ["https://ada.example.edu"], "data": [event]}
    bare = record_of(send(payload, catalogue=REAL))["extra"]
    assert len(bare) == 4
    rules = '[paths]\n"/body/user_id" = "drop"\n"/metadata/user_login" = "hmac"\n"/metadata/sensor" = "drop"'
    left = record_of(site.send(rules, payload, REAL))["extra"]
    assert left == {f"/data/0/actor/extensions/{EXTENSION}/shoe_size": "38"}


def test_drift_is_counted_all_the_same(site: Site) -> None:
    outcome = site.run('[classes]\ndirect = "drop"', {"new": "ada"})
    assert outcome.event
    assert drift_of(outcome.event) == {("made_up", "/body/new")}
