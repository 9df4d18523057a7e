"""Every event the simulator makes has, in Canvas JSON, the fields, types and forms that Canvas gives it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events import LIVE_EVENTS, canvas_json
from bridge.sandbox.live_events.base import Job
from bridge.sandbox.university import ROOT_ACCOUNT, University
from tests.schema_files import AVRO, branches, read, record_of
from tests.unit.happenings import happenings

JOB = {"event_name", "event_time", "producer", "job_id", "job_tag"}
ROOT = {"root_account_id", "root_account_lti_guid", "root_account_uuid"}


@cache
def canvas(name: str) -> list[dict[str, Any]]:
    dice = Dice(f"{name}/canvas")
    return [canvas_json.render(happening, dice) for happening in happenings(name)]


def schema_fields(schema: Any) -> dict[str, Any]:
    record = record_of(schema)
    assert record is not None
    return {field["name"]: field["type"] for field in record["fields"]}


def misfits(value: Any, schema: Any, where: str) -> Iterator[str]:
    """Names of fields that the schema lacks, and of values that are not of the field's type."""
    if value is None:
        return
    if isinstance(value, dict):
        known = schema_fields(schema)
        for name, inner in value.items():
            if name in known:
                yield from misfits(inner, known[name], f"{where}/{name}")
            else:
                yield f"{where}/{name}"
        return
    types = {
        branch.get("logicalType", branch["type"]) if isinstance(branch, dict) else branch
        for branch in branches(schema)
    }
    # Times are texts in JSON; a number that may have a fraction need not have one.
    fits = {
        str: {"string", "timestamp-millis"},
        bool: {"boolean"},
        int: {"long", "double"},
        float: {"double"},
    }
    if not fits[type(value)] & types:
        yield f"{where}: {type(value).__name__} for {types}"


@pytest.mark.parametrize("name", LIVE_EVENTS)
def test_an_event_happens_under_its_name_with_the_fields_and_types_of_its_schema(name: str) -> None:
    fields = schema_fields(read(AVRO / "events" / f"{name}.avsc"))
    for document in canvas(name):
        assert set(document) == {"metadata", "body"}
        assert document["metadata"]["event_name"] == name
        # These two have a place of their own in the record.
        metadata = {key: document["metadata"][key] for key in document["metadata"] if key not in fields}
        assert not list(misfits(metadata, fields["metadata"], "/metadata"))
        assert not list(misfits(document["body"], fields["body"], "/body"))


@pytest.mark.parametrize("name", LIVE_EVENTS)
def test_metadata_is_that_of_a_job_or_of_a_request(name: str) -> None:
    for happening, document in zip(happenings(name), canvas(name), strict=True):
        metadata = document["metadata"]
        assert {type(value) for value in metadata.values()} <= {str, type(None)}
        assert metadata["root_account_id"] == ROOT_ACCOUNT.global_id(1)
        if isinstance(happening.trigger, Job):
            assert set(metadata) == JOB | ROOT
        else:
            assert {"request_id", "hostname", "url", "referrer", "session_id", "client_ip"} <= set(metadata)
            assert "job_id" not in metadata
            assert ("user_id" in metadata) is (happening.where.actor is not None)


@pytest.mark.parametrize("name", LIVE_EVENTS)
def test_ids_in_a_body_are_texts(name: str) -> None:
    def ids(value: Any) -> Iterator[Any]:
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield from ids(inner)
            elif key == "id" or key.endswith("_id"):
                yield inner

    for document in canvas(name):
        assert all(isinstance(value, str | None) for value in ids(document["body"]))


def test_times_come_in_the_forms_of_canvas() -> None:
    texts = {document["body"].get("updated_at") for document in canvas("course_updated")} - {None}
    forms = (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-07:00",
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d -0700",
    )
    for form in forms:
        assert any(re.fullmatch(form, text) for text in texts), form
    assert all(any(re.fullmatch(form, text) for form in forms) for text in texts)


def test_what_a_body_lacks_is_left_out_or_null() -> None:
    lacking = [document["body"] for document in canvas("enrollment_created")]
    assert any("associated_user_id" not in body for body in lacking)
    assert any(body.get("associated_user_id", "") is None for body in lacking)


def test_progress_has_local_ids_counts_that_grow_and_an_end() -> None:
    campus, dice = University(Dice("progress/test")), Dice("progress/json")
    last: defaultdict[tuple[str, str], int] = defaultdict(int)
    completed: set[tuple[str, str]] = set()
    for _ in range(2000):
        campus.tick()
        name = "course_completed" if campus.dice.chance(0.2) else "course_progress"
        body = canvas_json.render(LIVE_EVENTS[name].happen(campus), dice)["body"]
        pair = body["user"]["id"], body["course"]["id"]
        assert max(map(int, pair)) < 10**13
        progress = body["progress"]
        if "error" in progress:
            continue
        assert pair not in completed
        count, total = progress["requirement_completed_count"], progress["requirement_count"]
        assert last[pair] < count <= total
        last[pair] = count
        assert (count == total) is (name == "course_completed") is (progress["completed_at"] is not None)
        assert (progress["next_requirement_url"] is None) is (name == "course_completed")
        if count == total:
            completed.add(pair)
    assert len(completed) > 200


def test_a_saved_syllabus_is_told_twice_by_one_request() -> None:
    campus = University(Dice("syllabus/test"))
    campus.tick()
    event = LIVE_EVENTS["syllabus_updated"]
    saved = event.happen(campus)
    assert event.sequel is not None
    told = event.sequel(campus, saved)
    assert told.event_name == "course_updated"
    assert told.trigger == saved.trigger
    assert told.body["course_id"] == saved.body["course_id"]
