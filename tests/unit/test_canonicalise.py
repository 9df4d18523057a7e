"""The canonical record: ids in global form, keys, aliases, and what is remarked."""

from typing import Any

import orjson
import pytest

from bridge.contract import EVENT_NAME, EVENT_TIME, Headers, RawEvent
from processors.canonicalise import canonicalise
from processors.catalogue import load_catalogue
from processors.failures import Failure, Reason
from processors.records import CanonicalEvent, Remark, ValidEvent
from processors.validate import validate

CATALOGUE = load_catalogue()
ROOT = "100000000000001"


def valid(payload: dict[str, Any], headers: Headers = ()) -> ValidEvent | Failure:
    (item,) = validate(RawEvent(orjson.dumps(payload), None, headers, 5), CATALOGUE)
    return item


def convert(name: str, body: Any, headers: Headers = (), **metadata: Any) -> CanonicalEvent:
    common = {"event_name": name, "event_time": "2026-03-01T09:30:00.000Z", "root_account_id": ROOT}
    item = valid({"metadata": common | metadata, "body": body}, headers)
    assert isinstance(item, ValidEvent), item
    return canonicalise(item, CATALOGUE)


def test_local_ids_are_completed_with_the_shard_of_the_root_account() -> None:
    event = convert("course_progress", {"course": {"id": "565"}, "user": {"id": 7}})
    assert event.record["body"]["course"]["id"] == "100000000000565"
    assert event.record["body"]["user"]["id"] == "100000000000007"
    assert event.key == "100000000000565"
    assert not event.remarks


def test_the_context_gives_the_shard_where_the_root_account_is_local() -> None:
    event = convert("grade_change", {"student_id": "7"}, root_account_id="1", context_id="200000000000565")
    assert event.record["body"]["student_id"] == "200000000000007"
    assert event.record["metadata"]["root_account_id"] == "200000000000001"


def test_where_the_shards_disagree_ids_stay_as_sent_and_that_is_remarked() -> None:
    event = convert("course_progress", {"course": {"id": "200000000000565"}, "user": {"id": "7"}})
    assert event.record["body"]["user"]["id"] == "7"
    assert event.remarks == {Remark.SHARD_CONFLICT, Remark.LOCAL_ID}


def test_where_no_shard_is_known_ids_stay_as_sent_and_that_is_remarked() -> None:
    event = convert("course_progress", {"course": {"id": "565"}}, root_account_id=None)
    assert event.record["body"]["course"]["id"] == "565"
    assert event.remarks == {Remark.LOCAL_ID}


def test_foreign_ids_are_untouched() -> None:
    event = convert("submission_created", {"lti_user_id": "42"}, user_sis_id="43", request_id="44")
    assert event.record["body"]["lti_user_id"] == "42"
    assert event.record["metadata"]["user_sis_id"] == "43"
    assert event.record["metadata"]["request_id"] == "44"


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"context_type": "Course", "context_id": "565", "user_id": "7"}, "100000000000565"),
        ({"context_type": "Account", "context_id": "9", "user_id": "7"}, "100000000000007"),
        ({}, ROOT),
    ],
)
def test_the_key_is_the_course_else_the_user_else_the_account(metadata: dict[str, Any], key: str) -> None:
    assert convert("discussion_entry_created", {}, **metadata).key == key


def test_an_event_without_any_of_them_is_keyed_by_its_own_id() -> None:
    event = convert("logged_out", {}, root_account_id=None)
    assert event.key == event.event_id


def test_older_keys_fill_the_same_field() -> None:
    event = convert("assignment_created", {"assignment_id_duplicated__from": "3"})
    assert event.record["body"]["assignment_id_duplicated_from"] == "100000000000003"
    assert event.record["extra"] == {}


@pytest.mark.parametrize(
    ("current", "read", "extra"),
    [
        (None, "100000000000003", {}),
        ("5", "100000000000005", {"/body/assignment_id_duplicated__from": '"3"'}),
    ],
)
def test_an_older_key_yields_to_the_current_one_and_is_kept(
    current: str | None, read: str, extra: dict[str, str]
) -> None:
    body = {"assignment_id_duplicated__from": "3", "assignment_id_duplicated_from": current}
    event = convert("assignment_created", body)
    assert event.record["body"]["assignment_id_duplicated_from"] == read
    assert event.record["extra"] == extra


def test_a_context_of_another_type_is_no_course() -> None:
    body = {"result_context_id": "9", "result_context_type": "Account"}
    assert convert("learning_outcome_result_created", body).key != "100000000000009"
    body["result_context_type"] = "Course"
    assert convert("learning_outcome_result_created", body).key == "100000000000009"


def test_the_older_envelope_is_read_and_other_top_level_keys_are_kept() -> None:
    payload = {
        "attributes": {"event_name": "course_updated", "event_time": "2026-03-01T09:30:00Z", "new": 1},
        "data": {"name": "Botany", "colour": "green"},
        "subscription": {"id": "5"},
        "iss": "https://live-events.canvas.instructure.com",
    }
    item = valid(payload)
    assert isinstance(item, ValidEvent)
    event = canonicalise(item, CATALOGUE)
    assert event.record["body"]["name"] == "Botany"
    assert event.record["extra"] == {
        "/attributes/new": "1",
        "/data/colour": '"green"',
        "/subscription": '{"id":"5"}',
    }
    assert event.remarks == {Remark.EXTRA}


def test_the_sqs_attributes_stand_in_for_a_missing_name_and_time() -> None:
    headers = ((EVENT_NAME, b"course_updated"), (EVENT_TIME, b"1970-01-01T00:00:07Z"))
    item = valid({"metadata": {}, "body": {}}, headers)
    assert isinstance(item, ValidEvent)
    assert (item.event_name, item.event_time) == ("course_updated", 7000)


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        ({"metadata": {}, "body": {}}, Reason.MISSING_EVENT_NAME, "/metadata/event_name"),
        ({"metadata": {"event_name": 5}, "body": {}}, Reason.INVALID_EVENT_NAME, "/metadata/event_name"),
        ({"metadata": {"event_name": "a\nb"}, "body": {}}, Reason.INVALID_EVENT_NAME, "/metadata/event_name"),
        ({"metadata": {"event_name": "x" * 129}}, Reason.INVALID_EVENT_NAME, "/metadata/event_name"),
        ({"metadata": [], "body": {}}, Reason.INVALID_METADATA, "/metadata"),
        ({"metadata": {"event_name": "logged_in"}, "body": []}, Reason.INVALID_BODY, "/body"),
        (
            {"metadata": {"event_name": "logged_in"}, "body": {}},
            Reason.MISSING_EVENT_TIME,
            "/metadata/event_time",
        ),
        (
            {"metadata": {"event_name": "logged_in", "event_time": "noon"}},
            Reason.INVALID_EVENT_TIME,
            "/metadata/event_time",
        ),
        ({"body": {}}, Reason.UNRECOGNISED_FORMAT, None),
    ],
)
def test_what_cannot_be_read_says_which_field_and_why(
    payload: dict[str, Any], reason: Reason, field: str | None
) -> None:
    failure = valid(payload)
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.field) == (reason, field)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", Reason.INVALID_JSON),
        (b"{", Reason.INVALID_JSON),
        (b'{"a":1}{"b":2}', Reason.INVALID_JSON),
        (b"\xff\xfe", Reason.INVALID_ENCODING),
        (b'{"metadata":' * 300 + b"1" + b"}" * 300, Reason.INVALID_JSON),
        (b"[" * 100_000, Reason.INVALID_JSON),
        (b"5", Reason.UNRECOGNISED_FORMAT),
        (b'"text"', Reason.UNRECOGNISED_FORMAT),
        (b"[]", Reason.UNRECOGNISED_FORMAT),
        (b"null", Reason.UNRECOGNISED_FORMAT),
    ],
)
def test_bytes_that_are_no_event(value: bytes, reason: Reason) -> None:
    (failure,) = validate(RawEvent(value, None, (), 0), CATALOGUE)
    assert isinstance(failure, Failure)
    assert failure.reason == reason
