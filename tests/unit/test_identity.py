"""The event_id: the same for the same event, however it comes; another for another."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.identity import caliper_event_id, document_id, event_id

CANVAS: dict[str, Any] = {
    "metadata": {"event_name": "logged_in", "event_time": "2026-03-01T09:30:00.125Z"},
    "body": {"redirect_url": "https://canvas.example.edu/", "n": 1, "nested": {"a": [1, 2], "b": None}},
}
CALIPER_ID = "urn:uuid:c2ae4a2c-1d5e-4cbb-8a0c-6e8d2f1b7a31"
CALIPER: dict[str, Any] = {
    "sensor": "http://canvas.example.edu/",
    "sendTime": "2026-03-01T09:30:01.000Z",
    "data": [{"id": CALIPER_ID, "type": "SessionEvent"}],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def dump(document: Any) -> bytes:
    return orjson.dumps(document)


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def test_canvas_json_gets_a_uuid_of_version_8() -> None:
    identity = UUID(event_id(dump(CANVAS)))
    assert identity.version == 8
    assert identity.variant == "specified in RFC 4122"


def test_the_value_is_pinned() -> None:
    # A change of this value gives every stored event a new identity: a breaking change.
    assert event_id(dump(CANVAS)) == "b4c0bd3b-f917-8bc8-9351-4c7978979b69"


@given(metadata=st.dictionaries(st.text(max_size=5), json_values, max_size=4), body=json_values)
def test_the_order_of_keys_does_not_matter(metadata: dict[str, Any], body: Any) -> None:
    document = {"metadata": metadata, "body": body}
    assert event_id(dump(document)) == event_id(dump(reversed_keys(document)))


def test_spacing_escapes_and_the_rest_of_the_payload_do_not_matter() -> None:
    spaced = orjson.dumps(CANVAS, option=orjson.OPT_INDENT_2).replace(b"logged_in", b"\\u006cogged_in")
    signed = {
        "iss": "https://live-events.canvas.instructure.com",
        "iat": 1,
        "subscription": {"id": 7},
        **CANVAS,
    }
    assert event_id(spaced) == event_id(dump(signed)) == event_id(dump(CANVAS))


def test_raw_kinesis_names_of_the_same_parts_give_the_same_id() -> None:
    renamed = {"attributes": CANVAS["metadata"], "data": CANVAS["body"]}
    assert event_id(dump(renamed)) == event_id(dump(CANVAS))


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {**CANVAS["metadata"], "event_time": "2026-03-01T09:30:00.126Z"}},
        {"body": {**CANVAS["body"], "n": 2}},
        {"body": {**CANVAS["body"], "n": "1"}},
        {"body": None},
    ],
)
def test_another_event_has_another_id(change: dict[str, Any]) -> None:
    assert event_id(dump({**CANVAS, **change})) != event_id(dump(CANVAS))


def test_caliper_brings_its_own_id() -> None:
    resent = {**CALIPER, "sendTime": "2026-03-01T10:00:00.000Z"}
    assert event_id(dump(CALIPER)) == event_id(dump(resent)) == CALIPER_ID.removeprefix("urn:uuid:")


def test_two_caliper_events_in_one_delivery_are_one_delivery() -> None:
    two = {**CALIPER, "data": [CALIPER["data"][0], {"id": "urn:uuid:0d0a3f5e-8f3c-4f0e-9b44-1b7a52b1c9aa"}]}
    assert UUID(event_id(dump(two))).version == 8
    assert event_id(dump(two)) == event_id(dump({**two, "sendTime": "later"}))


@pytest.mark.parametrize("broken", [{"id": "42"}, {"id": 42}, {}, {"id": None}])
def test_a_caliper_event_without_a_usable_id_is_known_by_its_content(broken: dict[str, Any]) -> None:
    assert caliper_event_id({**broken, "type": "a"}) == caliper_event_id({**broken, "type": "a"})
    assert caliper_event_id({**broken, "type": "a"}) != caliper_event_id({**broken, "type": "b"})
    assert event_id(dump({"data": [broken]})) == caliper_event_id(broken)


@pytest.mark.parametrize("document", [[], {}, 7, None, "x", {"metadata": 1}, {"data": {}}, {"data": []}])
def test_what_is_neither_format_is_known_by_its_bytes(document: Any) -> None:
    with pytest.raises(TypeError):
        document_id(document)
    assert UUID(event_id(dump(document))).version == 8
    assert event_id(dump(document)) != event_id(dump(document) + b" ")


def test_two_empty_caliper_envelopes_are_two_deliveries() -> None:
    assert event_id(dump({**CALIPER, "data": []})) != event_id(
        dump({**CALIPER, "data": [], "sendTime": "later"})
    )


@given(st.binary(max_size=200))
def test_it_never_raises(payload: bytes) -> None:
    assert event_id(payload) == event_id(payload)


@pytest.mark.parametrize("depth", [300, 1500, 100_000])
def test_it_never_raises_for_depth(depth: int) -> None:
    nested = b'{"metadata": {}, "body": ' + b"[" * depth + b"]" * depth + b"}"
    assert UUID(event_id(nested)).version == 8
    assert event_id(nested) != event_id(nested + b" ")
