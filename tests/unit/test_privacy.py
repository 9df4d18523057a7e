"""What the stage protect makes of a record: rule by rule."""

from pathlib import Path
from typing import Any

import fastavro
import orjson
import pytest

from bridge.contract import RawEvent
from processors.canonicalise import canonicalise
from processors.privacy.pseudonyms import Pseudonyms
from processors.records import Outcome, ValidEvent
from processors.validate import validate
from tests.unit.privacy_site import CATALOGUE, FULL, KEY, METADATA, Site, pseudonym, record_of, send

COURSE = {"context_id": "100000000000565", "context_type": "Course", "user_id": "7"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def body_of(outcome: Outcome) -> dict[str, Any]:
    body: dict[str, Any] = record_of(outcome)["body"]
    return body


def test_without_a_rule_all_is_kept_and_marked(site: Site) -> None:
    bare, kept = send({"metadata": METADATA, "body": FULL}), site.run("", FULL)
    assert (kept.outgoing.key, kept.outgoing.value) == (bare.outgoing.key, bare.outgoing.value)
    assert "canvas.privacy" not in dict(bare.outgoing.headers)
    (mark,) = set(kept.outgoing.headers) - set(bare.outgoing.headers)
    assert mark == ("canvas.privacy", site.protection("").mark.encode())


def test_a_dropped_class_is_null_on_every_level(site: Site) -> None:
    body = body_of(site.run('[classes]\ndirect = "drop"', FULL))
    assert body["email"] is body["logins"] is body["born"] is None
    assert body["person"] == {"id": "100000000000007", "name": None}
    assert body["grid"] == [[{"who": None}], []]
    assert body["user_id"] == "100000000000007"
    assert body["settings"] == {"ada@example.edu": "x"}


def test_a_replaced_class_has_pseudonyms_and_what_is_no_text_is_dropped(site: Site) -> None:
    outcome = site.run('[classes]\ndirect = "hmac"\nfree_text = "hmac"', FULL)
    body = body_of(outcome)
    assert body["email"] == pseudonym("ada@example.edu")
    assert body["logins"] == [pseudonym("ada"), pseudonym("lovelace")]
    assert body["person"]["name"] == body["grid"][0][0]["who"] == pseudonym("Ada")
    assert body["lines"] == [
        {"text": pseudonym("Dear Ada"), "points": 1.5},
        {"text": pseudonym("Bye"), "points": 2},
    ]
    assert body["born"] is body["settings"] is None
    assert body["visits"] == 3
    assert b"ada" not in outcome.outgoing.value.lower()


def test_a_cut_text_keeps_its_beginning(site: Site) -> None:
    rules = '[paths]\n"/body/lines/*/text" = { truncate = 4 }\n"/body/logins" = { truncate = 3 }'
    body = body_of(site.run(rules, FULL))
    assert [line["text"] for line in body["lines"]] == ["Dear", "Bye"]
    assert body["logins"] == ["ada", "lov"]


def test_an_empty_text_and_a_null_stay(site: Site) -> None:
    body = body_of(site.run('[classes]\ndirect = "hmac"', {"email": "", "logins": None, "person": None}))
    assert body["email"] == ""
    assert body["logins"] is body["person"] is None


@pytest.mark.parametrize(
    ("rules", "name", "identity"),
    [
        ('[classes]\ndirect = "drop"\n[paths]\n"/body/person" = "keep"', "Ada", "7"),
        ('[paths]\n"/body/person" = "drop"', None, None),
        ('[paths]\n"/body/person" = "drop"\n"/body/person/name" = "keep"', "Ada", None),
        ('[paths]\n"/body/person/name" = "keep"\n"/body" = "drop"', "Ada", None),
        ('[paths]\n"/body/person/name" = "drop"\n[events.made_up]\n"/body/person/name" = "keep"', "Ada", "7"),
        ('[paths]\n"/body/person/name" = "drop"\n[events.made_up]\n"/body/person" = "keep"', "Ada", "7"),
        ('[classes]\ndirect = "keep"\n[events.made_up]\n"/body/person/name" = "drop"', None, "7"),
        (
            '[classes]\ndirect = "drop"\nindirect = "drop"\n[paths]\n"/body/person/id" = "keep"',
            None,
            "7",
        ),
    ],
)
def test_the_most_specific_rule_wins(site: Site, rules: str, name: str | None, identity: str | None) -> None:
    person = body_of(site.run(rules, {"person": {"id": "7", "name": "Ada"}}))["person"]
    assert person == {"id": identity, "name": name}


@pytest.mark.parametrize("kind", ["Course", "Account", "Group"])
@pytest.mark.parametrize("action", ["hmac", "drop"])
def test_a_class_spares_the_id_of_a_place_that_is_nobody(site: Site, kind: str, action: str) -> None:
    body = body_of(site.run(f'[classes]\nindirect = "{action}"', {**COURSE, "context_type": kind}))
    assert body["context_id"] == "100000000000565"
    assert body["user_id"] == (pseudonym("7") if action == "hmac" else None)


@pytest.mark.parametrize("kind", ["User", "Enrollment", None])
@pytest.mark.parametrize(("action", "left"), [("hmac", pseudonym("100000000000565")), ("drop", None)])
def test_a_class_takes_the_id_of_any_other_context(
    site: Site, kind: str | None, action: str, left: str | None
) -> None:
    outcome = site.run(f'[classes]\nindirect = "{action}"', {**COURSE, "context_type": kind})
    assert body_of(outcome)["context_id"] == left


def test_a_class_goes_by_the_type_that_was_sent_even_where_a_path_takes_that(site: Site) -> None:
    rules = '[classes]\nindirect = "drop"\n[paths]\n"/body/context_type" = "drop"'
    assert body_of(site.run(rules, COURSE))["context_id"] == "100000000000565"
    assert body_of(site.run(rules, {**COURSE, "context_type": "User"}))["context_id"] is None


def test_a_path_takes_the_id_of_every_context(site: Site) -> None:
    assert body_of(site.run('[paths]\n"/body/context_id" = "drop"', COURSE))["context_id"] is None


@pytest.mark.parametrize(
    ("rules", "body", "key"),
    [
        ('[classes]\nindirect = "hmac"', COURSE, "100000000000565"),
        ('[classes]\nindirect = "hmac"', {"user_id": "7"}, pseudonym("7")),
        ('[paths]\n"/body/user_id" = "drop"', {"user_id": "7"}, "100000000000001"),
        ('[paths]\n"/body/user_id" = { truncate = 2 }', {"user_id": "734"}, "73"),
        ('[paths]\n"/body/context_id" = "hmac"', COURSE, pseudonym("100000000000565")),
        # A context without a type is no course, for every reader of the record.
        ('[paths]\n"/body/context_type" = "drop"\n"/body/user_id" = "hmac"', COURSE, pseudonym("7")),
        ('[paths]\n"/body/context_type" = "drop"', COURSE, "7"),
    ],
)
def test_the_key_is_found_in_what_is_left(site: Site, rules: str, body: dict[str, Any], key: str) -> None:
    assert site.run(rules, body).outgoing.key == key.encode()


def test_the_same_text_has_the_same_pseudonym_in_every_event_and_field(site: Site) -> None:
    rules = '[classes]\nindirect = "hmac"'
    one = site.run(rules, {"user_id": "100000000000007"}, user_id="100000000000007")
    other = site.run(rules, {"person": {"id": "100000000000007"}, "visits": 4})
    assert record_of(one)["metadata"]["user_id"] == body_of(one)["user_id"]
    assert body_of(one)["user_id"] == body_of(other)["person"]["id"] == pseudonym("100000000000007")


@pytest.mark.parametrize(("said", "left"), [("drop", None), ("keep", {"x": "ada"})])
def test_the_payload_of_an_unknown_event(site: Site, said: str, left: Any) -> None:
    payload = {"metadata": {**METADATA, "event_name": "never_heard_of"}, "body": {"x": "ada"}}
    outcome = site.send('[classes]\ndirect = "drop"', payload, unknown=said)
    assert record_of(outcome)["event_name"] == "never_heard_of"
    found = orjson.loads(record_of(outcome)["payload"])
    assert (found["body"] if found else None) == left
    assert outcome.outgoing.key == str(record_of(outcome)["event_id"]).encode()
    assert "canvas.privacy" in dict(outcome.outgoing.headers)


def test_a_dead_letter_is_the_delivery_as_it_was(site: Site) -> None:
    payload = {"metadata": METADATA, "body": "ada"}
    outcome = site.send('[classes]\ndirect = "drop"', payload)
    assert outcome.failure
    assert outcome.outgoing.value == orjson.dumps(payload)
    assert "canvas.privacy" not in dict(outcome.outgoing.headers)


def test_the_event_it_was_given_is_not_changed(site: Site) -> None:
    payload = orjson.dumps({"metadata": METADATA, "body": {**FULL, "new": 1}})
    (valid,) = validate(RawEvent(payload, b"raw", (), 1), CATALOGUE)
    assert isinstance(valid, ValidEvent)
    event = canonicalise(valid, CATALOGUE)
    before = orjson.dumps(event.record)
    rules = '[classes]\ndirect = "hmac"\n[paths]\n"/body/lines" = "drop"\n"/extra" = "drop"'
    after = site.protection(rules).protect(event)
    assert orjson.dumps(after.record) != before
    assert orjson.dumps(event.record) == before


def test_a_pseudonym_is_an_hmac_of_the_text_cut_to_128_bits() -> None:
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.of("Ada") == pseudonym("Ada")
    assert pseudonyms.of("") == ""
    assert pseudonyms.key_id != Pseudonyms(KEY + "x").key_id
    assert len(pseudonyms.key_id) == 8


@pytest.mark.parametrize("action", ["drop", "hmac"])
def test_a_protected_record_is_of_the_same_schema(site: Site, action: str) -> None:
    classes = "\n".join(f'{name} = "{action}"' for name in ("direct", "indirect", "free_text"))
    record = record_of(site.run(f"[classes]\n{classes}", FULL))
    assert fastavro.validate(record, CATALOGUE.events["made_up"].parsed, raise_errors=True)
