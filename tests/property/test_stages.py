"""Laws of the pure stages over any input at all: nothing vanishes, nothing raises, nothing is invented."""

import io
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import fastavro
import orjson
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import RawEvent
from bridge.identity import event_id
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome

CATALOGUE = load_catalogue()
PIPELINE = Pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), defaultdict(int)))

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
documents = st.recursive(
    scalars,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), children, max_size=4)
    ),
    max_leaves=12,
)


def run(value: bytes) -> list[Outcome]:
    return PIPELINE.run(RawEvent(value, event_id(value).encode(), (), 1_700_000_000_000))


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
    elif value is not None:
        yield value


@given(st.binary(max_size=200))
def test_any_bytes_have_an_outcome(value: bytes) -> None:
    outcomes = run(value)
    assert outcomes
    assert all((outcome.event is None) != (outcome.failure is None) for outcome in outcomes)


@given(st.dictionaries(st.sampled_from(["metadata", "body", "data", "sensor", "attributes"]), documents))
def test_any_envelope_has_an_outcome_and_a_dead_letter_is_untouched(payload: dict[str, Any]) -> None:
    value = orjson.dumps(payload)
    for outcome in run(value):
        if outcome.failure:
            assert outcome.outgoing.value == value


@given(st.sampled_from(sorted(CATALOGUE.events)), st.data())
def test_every_leaf_of_canvas_json_is_in_the_record(name: str, data: st.DataObject) -> None:
    """A value is in its field, or its JSON text is in `extra`."""
    fields = sorted(CATALOGUE.events[name].body)
    keys = st.sampled_from(fields) | st.text("abc_", min_size=1) if fields else st.text("abc_", min_size=1)
    body = data.draw(st.dictionaries(keys, documents, max_size=6))
    payload = {"metadata": {"event_name": name, "event_time": "2026-03-01T09:30:00.000Z"}, "body": body}
    (outcome,) = run(orjson.dumps(payload))
    assert outcome.event is not None
    record = outcome.event.record
    for key, value in body.items():
        pointer = f"/body/{key}"
        if record["body"].get(key) is None and value is not None:
            assert orjson.loads(record["extra"][pointer]) == value
        else:
            assert value is None or pointer not in record["extra"]


@given(st.sampled_from(sorted(CATALOGUE.events)), documents)
def test_what_is_typed_can_be_read_back(name: str, value: Any) -> None:
    body = dict.fromkeys(CATALOGUE.events[name].body, value)
    payload = {"metadata": {"event_name": name, "event_time": "2026-03-01T09:30:00.000Z"}, "body": body}
    (outcome,) = run(orjson.dumps(payload))
    assert outcome.event is not None
    schema = CATALOGUE.events[name].parsed
    encoded = outcome.outgoing.value[5:]
    read = fastavro.schemaless_reader(io.BytesIO(encoded), schema, None)
    assert isinstance(read, dict)
    assert read["event_name"] == name


@given(st.dictionaries(st.text(max_size=5), scalars), st.dictionaries(st.text(max_size=5), scalars))
def test_the_event_id_does_not_depend_on_the_order_of_keys(
    metadata: dict[str, Any], body: dict[str, Any]
) -> None:
    def shuffled(value: dict[str, Any]) -> dict[str, Any]:
        return dict(reversed(value.items()))

    one = json.dumps({"metadata": metadata, "body": body}).encode()
    two = json.dumps({"iss": "x", "body": shuffled(body), "metadata": shuffled(metadata)}).encode()
    assert event_id(one) == event_id(two)
    assert uuid.UUID(event_id(one)).version is not None
