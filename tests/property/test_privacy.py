"""Laws of the privacy policy over every sample delivery, with personal data planted in it."""

import copy
import hashlib
import hmac
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.pipeline import Pipeline
from processors.privacy.policy import DROP, KEEP, Action, Policy, Verb
from processors.privacy.protect import Protection
from processors.privacy.pseudonyms import Pseudonyms
from processors.records import Outcome
from tests.planted import (
    CATALOGUE,
    FAN_OUT,
    OFF,
    SAMPLES,
    Ground,
    classes_of,
    grounds,
    leaves,
    planted,
    run,
    spared,
)

SECRET = "a secret of more than 32 characters"
HMAC, CUT = Action(Verb.HMAC), Action(Verb.TRUNCATE, 3)


@cache
def pipeline(direct: Action, indirect: Action, free_text: Action) -> Pipeline:
    classes = {"direct": direct, "indirect": indirect, "free_text": free_text}
    policy = Policy("1", DROP, classes, {}, {}, "0" * 8)
    return Pipeline(CATALOGUE, FAN_OUT, Protection(policy, CATALOGUE, Pseudonyms(SECRET)))


def ground(pii: str) -> st.SearchStrategy[Ground]:
    """Drawn by the event first, for metadata is in all of them."""
    by_place: dict[Any, list[Ground]] = {}
    for item in grounds():
        if item.pii == pii:
            by_place.setdefault(item.place[-1], []).append(item)
    return st.sampled_from(sorted(by_place, key=str)).flatmap(lambda name: st.sampled_from(by_place[name]))


personal = st.uuids().map(lambda number: f"person-{number.hex}")
shapes = st.sampled_from(
    [
        lambda text: text,
        lambda text: [text],
        lambda text: {"new": text},
        lambda text: [{"deep": [text]}],
        lambda text: f"urn:instructure:canvas:user:{text}",
    ]
)


def everything(outcome: Outcome) -> bytes:
    """All that is written of one record."""
    outgoing = outcome.outgoing
    headers = b"\n".join(name.encode() + b"=" + (value or b"") for name, value in outgoing.headers)
    return b"\n".join((outgoing.topic.encode(), outgoing.key or b"", outgoing.value, headers))


def test_there_is_personal_data_of_every_class_to_plant() -> None:
    names = {pii: {item.place[-1] for item in grounds() if item.pii == pii} for pii in ("direct", "indirect")}
    assert {"user_login", "client_ip", "user_sis_id", "email", "user_name", "student_sis_id"} <= names[
        "direct"
    ]
    assert len({item.sample.parent for item in grounds() if item.pii == "direct"}) > 50
    assert {"user_id", "session_id", "id"} <= names["indirect"]


@pytest.mark.parametrize("pii", ["direct", "indirect", "free_text"])
@settings(deadline=None)
@given(data=st.data(), text=personal, shape=shapes, action=st.sampled_from([DROP, HMAC]))
def test_nothing_of_a_class_that_is_taken_is_written(
    pii: str, data: st.DataObject, text: str, shape: Any, action: Action
) -> None:
    """Neither in its field, nor in `extra` where it does not fit, nor in key and headers."""
    _, document, place, _ = data.draw(ground(pii))
    taken = {name: action if name == pii else KEEP for name in ("direct", "indirect", "free_text")}
    sent = planted(document, place, shape(text))
    for outcome in run(pipeline(**taken), sent):
        if outcome.failure is None:
            assert text.encode() not in everything(outcome)
            assert text not in str(outcome.event)
    assert any(text.encode() in everything(outcome) for outcome in run(OFF, sent))


@settings(deadline=None)
@given(
    data=st.data(), text=personal, section=st.sampled_from(["metadata", "body", "actor", "object", "group"])
)
def test_nor_what_canvas_sends_tomorrow(data: st.DataObject, text: str, section: str) -> None:
    document = copy.deepcopy(json.loads(data.draw(st.sampled_from(SAMPLES)).read_text("utf-8")))
    inner = document["data"][0] if isinstance(document.get("data"), list) else document
    inner[section] = inner[section] if isinstance(inner.get(section), dict) else {}
    inner[section]["brand_new"] = {"who": text}
    for outcome in run(pipeline(DROP, KEEP, KEEP), document):
        if outcome.failure is None:
            assert text.encode() not in everything(outcome)


actions = st.sampled_from([KEEP, DROP, HMAC, CUT])


@settings(deadline=None)
@given(sample=st.sampled_from(SAMPLES), direct=actions, indirect=actions, free_text=actions)
def test_a_record_is_the_one_without_a_policy_but_for_what_the_rules_say(
    sample: Path, direct: Action, indirect: Action, free_text: Action
) -> None:
    """Field by field; and it is read under the schema that has always been there."""
    document = json.loads(sample.read_text("utf-8"))
    rules = {"direct": direct, "indirect": indirect, "free_text": free_text, "none": KEEP}
    for bare, kept in zip(
        run(OFF, document), run(pipeline(direct, indirect, free_text), document), strict=True
    ):
        if bare.event is None or bare.event.event_name is None:
            continue
        assert kept.event
        known = classes_of(bare.event.event_name)
        before, after = list(leaves(bare.event.record, known)), list(leaves(kept.event.record, known))
        schema = CATALOGUE.events[bare.event.event_name].parsed
        assert _read(kept.outgoing.value, schema) == _read(_written(kept.event.record, schema), schema)
        for (path, value), (same_path, left) in zip(before, after, strict=True):
            assert path == same_path
            if path != "extra":
                rule = KEEP if spared(path, dict(before)) else rules[known.get(path, "none")]
                assert left == _expected(value, rule), path
        extra = bare.event.record["extra"] if {direct, indirect, free_text} == {KEEP} else {}
        assert kept.event.record["extra"] == extra


@settings(deadline=None)
@given(sample=st.sampled_from(SAMPLES))
def test_a_policy_that_keeps_all_changes_no_byte_of_key_and_value(sample: Path) -> None:
    document = json.loads(sample.read_text("utf-8"))
    for bare, kept in zip(run(OFF, document), run(pipeline(KEEP, KEEP, KEEP), document), strict=True):
        if bare.event and bare.event.event_name:
            assert (bare.outgoing.key, bare.outgoing.value) == (kept.outgoing.key, kept.outgoing.value)
            assert kept.outgoing.headers[: len(bare.outgoing.headers)] == bare.outgoing.headers
            assert [name for name, _ in kept.outgoing.headers[len(bare.outgoing.headers) :]] == [
                "canvas.privacy"
            ]


@settings(deadline=None)
@given(sample=st.sampled_from(SAMPLES), action=st.sampled_from([DROP, HMAC]))
def test_a_key_stands_in_the_record_it_is_the_key_of(sample: Path, action: Action) -> None:
    for outcome in run(pipeline(action, action, action), json.loads(sample.read_text("utf-8"))):
        if outcome.event and outcome.event.event_name:
            known = classes_of(outcome.event.event_name)
            values = {str(value) for _, value in leaves(outcome.event.record, known)}
            assert outcome.outgoing.key
            assert outcome.outgoing.key.decode() in values


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
keys = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=32, max_size=80)


@settings(deadline=None)
@given(texts, texts, keys, keys)
def test_a_pseudonym_tells_texts_and_keys_apart_and_is_always_the_same(
    one: str, other: str, key: str, another: str
) -> None:
    assert (Pseudonyms(key).of(one) == Pseudonyms(key).of(other)) == (one == other)
    assert (Pseudonyms(key).of(one) == Pseudonyms(another).of(one)) == (key == another)
    assert (Pseudonyms(key).key_id == Pseudonyms(another).key_id) == (key == another)


def _expected(value: Any, rule: Action) -> Any:
    if value is None or rule == KEEP:
        return value
    if not isinstance(value, str):
        return None
    if rule == HMAC and value:
        return "hmac-" + hmac.new(SECRET.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]
    return {DROP: None, CUT: value[:3]}.get(rule, value)


def _read(value: bytes, schema: Any) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)


def _written(record: Any, schema: Any) -> bytes:
    buffer = io.BytesIO(b"\0" * 5)
    buffer.seek(5)
    fastavro.schemaless_writer(buffer, schema, record)
    return buffer.getvalue()
