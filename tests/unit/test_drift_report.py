"""The drift radar's pure parts: what is counted, under which pointer, and what is shown of a value."""

from collections import Counter
from typing import Any

import click
import pytest
from prometheus_client import REGISTRY

from processors.drift.drift_counts import OTHER, BoundedPairs, drift_of
from processors.drift.drift_report import NAMELESS, DriftReport, Kind
from processors.drift.masking import mask
from processors.drift.pointers import generalise
from processors.records import CanonicalEvent, Outcome, Remark
from processors.topics.point_in_time import PointInTime
from processors.worker.batch_run import _Tally
from tests.drift_site import caliper_sample, canvas, convert
from tests.samples import CATALOGUE

DAY = 86_400_000


def report_of(*payloads: dict[str, Any], most_rows: int = 1000) -> DriftReport:
    report = DriftReport(CATALOGUE, most_rows)
    for event in convert(payloads, CATALOGUE):
        if event.event_name:
            report.add(event.event_name, event.record)
        else:
            report.add_unknown(event.record)
    return report


@pytest.mark.parametrize(
    ("pointer", "generalised"),
    [
        ("/data/0/object/x", "/data/*/object/x"),
        ("/body/list/12/name", "/body/list/*/name"),
        ("/body/9e107d9d-372b-4a5e-8f0a-0123456789ab", "/body/*"),
        ("/body/ada@example.edu/role", "/body/*/role"),
        ("/data/0/@context", "/data/*/@context"),
        ("/body/" + "k" * 65, "/body/*"),
        ("/body/with\nline", "/body/*"),
        ("/a" * 13, "/a" * 12 + "/…"),
    ],
)
def test_what_differs_from_record_to_record_is_no_part_of_a_pointer(pointer: str, generalised: str) -> None:
    assert generalise(pointer) == generalised


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ada Lovelace-1815", "Aaa Aaaaaaaa-9999"),
        ("Škoda №7\x1b[31m", "Aaaaa ?9?[99a"),
        (-12.5, "-99.9"),
        (True, ""),
        ("x" * 30, "a" * 24 + "…"),
        ({"id": 1, "ada@example.edu": 2, "77": 3}, "{id, *}"),
        ([{"id": 1}, {"other": 1}], "[{id}]"),
        (["Ada"], "[string]"),
        ([], "[]"),
    ],
)
def test_an_example_shows_the_form_and_never_the_value(value: Any, shown: str) -> None:
    assert mask(value) == shown


def test_an_unknown_field_is_told_from_a_value_that_does_not_fit() -> None:
    report = report_of(
        canvas("course_created", {"course_id": "100000000000001", "name": {"x": 1}, "term": "2026S"}),
        canvas("course_created", {"term": 7}, mood="fine"),
        canvas("course_created", {}),
        canvas("heard_of_nowhere", {"a": 1}),
    )
    rows = {pointer: (kind, row) for (_, pointer, kind), row in report.fields.items()}
    assert {pointer: kind for pointer, (kind, _) in rows.items()} == {
        "/body/name": Kind.MISFIT,
        "/body/term": Kind.UNKNOWN_FIELD,
        "/metadata/mood": Kind.UNKNOWN_FIELD,
    }
    term = rows["/body/term"][1]
    assert (term.seen, sorted(term.shape.kinds), term.example) == (2, ["integer", "string"], "9999A")
    assert report.records == {"course_created": 3}
    assert report.unknown["heard_of_nowhere"].seen == 1


def test_the_older_names_of_sections_mean_the_same_place() -> None:
    payload = canvas("course_created", {"name": {"x": 1}})
    older = {"attributes": payload["metadata"], "data": payload["body"]}
    assert [kind for _, _, kind in report_of(older).fields] == [Kind.MISFIT]


def test_the_items_of_a_list_are_one_place_counted_once_a_record() -> None:
    ratings = [{"points": 1, "colour": "red"}, {"points": 2, "colour": "blue"}]
    report = report_of(canvas("outcome_proficiency_created", {"outcome_proficiency_ratings": ratings}))
    ((key, row),) = report.fields.items()
    assert key[1:] == ("/body/outcome_proficiency_ratings/*/colour", Kind.UNKNOWN_FIELD)
    assert row.seen == 1


def test_a_caliper_path_of_a_field_is_told_from_one_of_none() -> None:
    payload = caliper_sample("grade_change")
    payload["data"][0]["generated"] |= {"maxScore": "many", "colour": "red"}
    kinds = {pointer: kind for _, pointer, kind in report_of(payload).fields}
    assert kinds == {
        "/data/*/generated/maxScore": Kind.MISFIT,
        "/data/*/generated/colour": Kind.UNKNOWN_FIELD,
    }


def test_a_record_from_before_its_field_was_added_is_no_misfit() -> None:
    report = DriftReport(CATALOGUE)
    extra = {"/body/name": '"Knots"', "/body/course_id": "7", "/sensor": '"x"'}
    report.add("course_created", {"extra": extra, "received_at": 0, "source_format": "CANVAS_JSON"})
    kinds = {pointer: kind for _, pointer, kind in report.fields}
    assert kinds == {
        "/body/name": Kind.HAS_A_FIELD,
        "/body/course_id": Kind.HAS_A_FIELD,
        "/sensor": Kind.UNKNOWN_FIELD,
    }


def test_first_and_last_are_by_the_time_of_receipt_in_any_order() -> None:
    report = DriftReport(CATALOGUE)
    for received in (2 * DAY, DAY, 3 * DAY):
        record = {"extra": {"/body/x": "1"}, "received_at": received, "source_format": "CANVAS_JSON"}
        report.add("course_created", record)
        report.add_unknown({**record, "event_name": None})
    (row,) = report.fields.values()
    assert (row.first, row.last) == (DAY, 3 * DAY)
    assert (report.unknown[NAMELESS].first, report.unknown[NAMELESS].last) == (DAY, 3 * DAY)


def test_what_is_beyond_the_bound_is_counted() -> None:
    events = [canvas("course_created", {"a": 1, "b": 1, "c": 1})] * 2
    strange = [canvas(f"strange_{number}", {}) for number in range(5)]
    report = report_of(*events, *strange, most_rows=2)
    assert (len(report.fields), report.other_fields) == (2, 2)
    assert (len(report.unknown), report.other_unknown) == (2, 3)


def test_the_worker_counts_a_bounded_number_of_pairs() -> None:
    pairs = BoundedPairs(2)
    first = dict(pairs.bound(Counter({("e", "/body/a"): 3, ("e", "/body/b"): 1})))
    assert first == {("e", "/body/a"): 3, ("e", "/body/b"): 1}
    later = list(pairs.bound(Counter({("e", "/body/a"): 1, ("e", "/body/c"): 2, ("f", "/body/d"): 4})))
    assert later == [(("e", "/body/a"), 1), (("e", OTHER), 2), (("f", OTHER), 4)]


def test_a_batch_counts_its_drift_by_event_and_place() -> None:
    def count() -> float:
        labels = {"event_name": "course_created", "pointer": "/body/only_for_this_test"}
        return REGISTRY.get_sample_value("canvas_processors_drift_total", labels) or 0

    tally, before = _Tally(), count()
    for event in convert([canvas("course_created", {"only_for_this_test": 1})] * 2, CATALOGUE):
        tally.note(Outcome(None, None, event))  # type: ignore[arg-type]  # neither is asked for
    assert count() == before
    tally.publish(2, 0)
    assert count() == before + 2


def test_a_record_without_extra_costs_nothing() -> None:
    class Untouchable(dict[str, Any]):
        def __getitem__(self, _: str) -> Any:
            raise AssertionError

    assert list(drift_of(CanonicalEvent("course_created", "k", Untouchable(), frozenset()))) == []
    assert list(drift_of(CanonicalEvent(None, "k", Untouchable(), frozenset({Remark.EXTRA})))) == []


def test_since_is_a_time_or_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.topics.point_in_time.time.time", lambda: 7 * 86_400.0)
    since = PointInTime()
    assert since.convert("1970-01-02T00:00:00Z", None, None) == DAY
    assert [since.convert(text, None, None) for text in ("2d", "12h", "30m", "1w")] == [
        5 * DAY,
        7 * DAY - DAY // 2,
        7 * DAY - 30 * 60_000,
        0,
    ]
    for text in ("yesterday", "7", "2026-03-01", "-1d", "٣d"):
        with pytest.raises(click.BadParameter, match="neither a time with a zone"):
            since.convert(text, None, None)
