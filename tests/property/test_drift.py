"""Laws of the drift radar: it is bounded, shows no value, and what it proposes is lawful and compatible."""

import json
import string
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.drift.drift_report import DriftReport
from processors.drift.masking import mask
from processors.drift.pointers import find_spot, generalise
from processors.drift.proposal import Proposal
from processors.drift.shapes import shape_of
from processors.records import SourceFormat
from processors.schemas.compatibility import breaks
from tests.drift_site import SchemaFolder, caliper_sample, canvas
from tests.samples import CATALOGUE
from tests.schema_laws import check_laws

KNOWN = ("course_created", "course_updated", "grade_change", "logged_out", "learning_outcome_created")
UNHEARD = ("thing_happened", "course_moved", "thing.made_created", "thing.made_updated")
NAMES = (
    *("term_id", "sis_id", "user_id", "ids", "uuid", "due_at", "lock_until", "spent_time", "email", "title"),
    *("user_name", "dueAt", "x.y", "a/b", "name", "kind", "tags", "settings", "id", "entity_id", "newThing"),
    *("a_b", "aB", "1", "course_created", "extra", "client_ip", "12", "a@example.edu"),
)
texts = st.sampled_from(
    ["", "x", "12", "100000000000007", "2026-03-01", "2026-03-01T09:30:00Z", "urn:instructure:canvas:user:7"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
keys = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.builds(lambda text: {"numberStr": text}, texts)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
additions = st.dictionaries(keys, values, max_size=4)
json_deliveries = st.builds(
    lambda name, body, metadata, beside: {**beside, **canvas(name, body, **metadata)},
    st.sampled_from(KNOWN + UNHEARD),
    additions,
    additions.map(lambda found: {f"m_{key}": value for key, value in found.items()}),
    st.dictionaries(st.sampled_from(["beside", "x"]), values, max_size=1),
)
# An empty list or object says nothing in Caliper, as long as no field asks for it.
leaves = st.dictionaries(keys, scalars | st.lists(scalars, min_size=1, max_size=3), max_size=4)
EXTENSION = "com.instructure.canvas"


@st.composite
def caliper_deliveries(draw: st.DrawFn) -> Any:
    payload = caliper_sample(draw(st.sampled_from(["course_created", "grade_change", "logged_out"])))
    event = payload["data"][0]
    for part in ("object", "actor", "group"):
        if isinstance(event.get(part), dict):
            fresh = draw(leaves)
            event[part] = {**fresh, **event[part]}
            inner = event[part].get("extensions", {}).get(EXTENSION)
            if isinstance(inner, dict):
                inner.update({f"n_{key}": value for key, value in draw(leaves).items()})
    return payload


deliveries = st.lists(json_deliveries | caliper_deliveries(), min_size=1, max_size=4)
pointers = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=70) | keys, max_size=15).map(
    lambda segments: "".join(f"/{item.replace('~', '~0').replace('/', '~1')}" for item in ["body", *segments])
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SchemaFolder:
    return SchemaFolder(tmp_path_factory.mktemp("avro"), *KNOWN)


@given(deliveries)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_proposed_is_lawful_compatible_and_takes_what_was_seen(
    site: SchemaFolder, payloads: list[dict[str, Any]]
) -> None:
    site.reset()
    before, records = site.catalogue(), site.records(payloads)
    proposal = site.propose(records)
    check_laws(site.folder, proposal.texts)
    after = site.catalogue()
    for name, event_type in before.events.items():
        assert breaks(event_type.registered, after.events[name].registered) == []
    assert after.events.keys() - before.events.keys() == set(proposal.new_events)
    for file, text in proposal.texts.items():
        assert_only_added(site.before.get(file, ""), text)
    assert site.propose(records).texts == {}
    if not any(added.remarks for added in proposal.added):
        known = [record for record in site.records(payloads) if record.event_name in before.events]
        still = site.propose(known)
        assert still.texts == {}
        assert places(still) <= places(proposal)


def places(proposal: Proposal) -> set[tuple[str, str]]:
    return {(left.event, left.field) for left in proposal.left}


def assert_only_added(before: str, after: str) -> None:
    """Every line of the one is in the other, in the same order, but for what stands at the end of a list."""
    lines = iter(line.rstrip(",") for line in after.splitlines())
    for line in before.splitlines():
        assert line.rstrip(",").replace('"fields": []', '"fields": [') in lines, line


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_a_mask_shows_no_letter_and_no_digit_of_the_value(value: Any) -> None:
    shown = mask(value)
    if isinstance(value, dict | list):
        return
    assert len(shown) <= 25
    assert shown.isprintable()
    assert set(shown) <= {"a", "A", "9", "?", "…", " ", *string.punctuation}


@given(pointers)
def test_a_generalised_pointer_is_short_stays_itself_and_has_a_place(pointer: str) -> None:
    found = generalise(pointer)
    assert generalise(found) == found
    assert found.count("/") <= 13
    assert all(len(segment) <= 64 for segment in found.split("/"))
    for source_format in SourceFormat:
        find_spot(found, source_format)


@given(st.lists(st.tuples(pointers, values), max_size=30), st.integers(1, 5))
def test_a_report_is_bounded_and_counts_every_value(found: list[tuple[str, Any]], most: int) -> None:
    report = DriftReport(CATALOGUE, most)
    for pointer, value in found:
        extra = {pointer: orjson.dumps(value).decode()}
        report.add("course_created", {"extra": extra, "received_at": 5, "source_format": "CANVAS_JSON"})
    assert len(report.fields) <= most
    assert sum(row.seen for row in report.fields.values()) + report.other_fields == len(found)
    assert report.records["course_created"] == len(found)


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_shapes_merged_are_the_shape_of_all(one: list[Any], other: list[Any]) -> None:
    whole = shape_of([*one, *other])
    assert shape_of(one).merge(shape_of(other)) == whole


@given(values)
def test_a_shape_holds_a_bounded_number_of_places(value: Any) -> None:
    def below(shape: Any) -> Iterator[Any]:
        for inner in [*shape.keys.values(), *([shape.items] if shape.items else [])]:
            yield inner
            yield from below(inner)

    wide = {f"k{number}": value for number in range(300)}
    shape = shape_of([wide, json.loads(json.dumps(wide))])
    assert len(list(below(shape))) <= 200
    assert shape.is_open or value is None
