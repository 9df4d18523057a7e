"""Any mutation of any sample has a reasoned outcome; what is written is read back; the event_id holds."""

import copy
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import fastavro
import orjson
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import RawEvent
from bridge.identity import event_id
from processors.failures import Reason
from processors.records import Outcome
from tests.samples import CATALOGUE, PASSES, PIPELINE, RECEIVED_AT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DOCUMENTS = [json.loads(path.read_bytes()) for path in PASSES]
CANVAS = [document for document in DOCUMENTS if "sensor" not in document]
OTHER_TYPES: list[Any] = [
    *(None, True, 0, -1, 2**63, 1.5, 1e300, "", "null", "9" * 40, "2026-02-30T25:00:00Z", "a\0b", "…" * 9000),
    *([], {}, [[]], [None], {"": {}}, {"numberStr": "4"}, {"numberStr": None}, "urn:", "urn:uuid:", "://"),
]

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where everything in a document stands, the document itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in inner:
        yield (*path, step)
        yield from paths(child, (*path, step))


def holder(document: Any, path: Path) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """A sample in which up to three things were dropped, nulled, retyped, added, nested or cut."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(document))
        if places:
            mutate(draw, document, draw(st.sampled_from(places)))
    return document


def mutate(draw: st.DrawFn, document: Any, path: Path) -> None:
    place, step = holder(document, path), path[-1]
    value = place[step]
    match draw(st.sampled_from(["drop", "retype", "add", "nest", "cut value", "cut key"])):
        case "drop":
            del place[step]
        case "retype":
            place[step] = copy.deepcopy(draw(st.sampled_from(OTHER_TYPES)))
        case "add" if isinstance(place, dict):
            place[draw(st.text(max_size=8))] = copy.deepcopy(draw(st.sampled_from(OTHER_TYPES)))
        case "nest":
            place[step] = draw(st.sampled_from([[value], {"value": value}, [value, value]]))
        case "cut value" if isinstance(value, str):
            place[step] = value[: draw(st.integers(0, len(value)))]
        case "cut key" if isinstance(step, str) and isinstance(place, dict):
            place[step[: draw(st.integers(0, len(step)))]] = place.pop(step)


def run(value: bytes) -> list[Outcome]:
    return PIPELINE.run(RawEvent(value, event_id(value).encode(), (), RECEIVED_AT))


def as_written(value: Any) -> Any:
    """What fastavro reads, in the terms of what it was given."""
    if isinstance(value, dict):
        return {key: as_written(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, date):
        return (value - EPOCH.date()).days
    return str(value) if isinstance(value, UUID) else value


@given(mutations())
def test_a_mutated_sample_has_an_outcome_with_a_reason_and_what_is_written_is_read_back(
    document: dict[str, Any],
) -> None:
    outcomes = run(orjson.dumps(document))
    assert outcomes
    for outcome in outcomes:
        if outcome.event is None:
            assert outcome.failure is not None
            assert outcome.failure.reason in Reason
            continue
        name = outcome.event.event_name
        schema = (CATALOGUE.events[name] if name else CATALOGUE.unknown).parsed
        read = fastavro.schemaless_reader(io.BytesIO(outcome.outgoing.value[5:]), schema, None)
        assert as_written(read) == outcome.event.record


def shuffled(value: Any, draw: st.DrawFn) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}
    return [shuffled(inner, draw) for inner in value] if isinstance(value, list) else value


@st.composite
def retold(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """One sample twice: as it is, and with other spacing, another order of keys and other escapes."""
    document = draw(st.sampled_from(DOCUMENTS))
    again = shuffled(document, draw)
    indent, ascii_only = draw(st.sampled_from([None, 0, 3])), draw(st.booleans())
    return orjson.dumps(document), json.dumps(again, indent=indent, ensure_ascii=ascii_only).encode()


@given(retold())
def test_the_event_id_is_that_of_the_content_not_of_its_form(pair: tuple[bytes, bytes]) -> None:
    one, other = pair
    assert event_id(one) == event_id(other)
    assert [item.outgoing.headers[:1] for item in run(one)] == [
        item.outgoing.headers[:1] for item in run(other)
    ]


@given(st.data())
def test_the_event_id_changes_with_any_value_of_canvas_json(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(CANVAS))
    changed = copy.deepcopy(document)
    sections = ("metadata", "attributes", "body", "data")
    path = data.draw(st.sampled_from([path for path in paths(document) if path[0] in sections]))
    place = holder(changed, path)
    place[path[-1]] = data.draw(st.sampled_from([*OTHER_TYPES, "other"]))
    same = orjson.dumps(place[path[-1]]) == orjson.dumps(holder(document, path)[path[-1]])
    assert (event_id(orjson.dumps(changed)) == event_id(orjson.dumps(document))) is same
