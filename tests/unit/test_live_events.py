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

# What Canvas's own code and documentation name (lib/canvas/live_events.rb, doc/api/data_services).
NAMES = (
    "account_created", "account_notification_created", "account_updated", "asset_accessed",
    "assignment_created", "assignment_group_created", "assignment_group_updated",
    "assignment_override_created", "assignment_override_updated", "assignment_updated",
    "attachment_created", "attachment_deleted", "attachment_updated", "blueprint_restrictions_updated",
    "blueprint_subscription_created", "blueprint_subscription_deleted", "content_export_created",
    "content_migration_completed", "content_migration_started", "conversation_created",
    "conversation_forwarded", "conversation_message_created", "convert_new_quiz_youtube_link",
    "course_completed", "course_created", "course_grade_change", "course_progress",
    "course_section_created", "course_section_updated", "course_updated",
    "default_blueprint_restrictions_updated", "discussion_entry_created", "discussion_entry_deleted",
    "discussion_entry_submitted", "discussion_entry_updated", "discussion_topic_created",
    "discussion_topic_updated", "enrollment_created", "enrollment_state_created",
    "enrollment_state_updated", "enrollment_updated", "final_grade_custom_status", "grade_change",
    "grade_override", "group_category_created", "group_category_updated", "group_created",
    "group_membership_created", "group_membership_updated", "group_updated", "heartbeat",
    "learning_outcome_created", "learning_outcome_group_created", "learning_outcome_group_updated",
    "learning_outcome_link_created", "learning_outcome_link_updated", "learning_outcome_result_created",
    "learning_outcome_result_updated", "learning_outcome_updated", "logged_in", "logged_out",
    "lti_resource_link_created", "lti_resource_link_updated", "master_migration_completed",
    "master_migration_started", "master_template_created", "module_created", "module_item_created",
    "module_item_updated", "module_updated", "outcome_calculation_method_created",
    "outcome_calculation_method_updated", "outcome_friendly_description_created",
    "outcome_friendly_description_updated", "outcome_proficiency_created", "outcome_proficiency_updated",
    "outcomes.retry_outcome_alignment_clone", "plagiarism_resubmit", "quiz_created",
    "quiz_export_complete", "quiz_submitted", "quiz_updated", "quizzes_next_migration_urls_complete",
    "quizzes_next_quiz_duplicated", "rubric_assessed", "scan_youtube_links", "sis_batch_created",
    "sis_batch_updated", "submission_comment_created", "submission_created",
    "submission_custom_grade_status", "submission_updated", "syllabus_updated",
    "user_account_association_created", "user_created", "user_updated", "wiki_page_created",
    "wiki_page_deleted", "wiki_page_updated",
)  # fmt: skip

JOB = {"event_name", "event_time", "producer", "job_id", "job_tag"}
CONTEXT = {"context_type", "context_id"}
ROOT = {"root_account_id", "root_account_lti_guid", "root_account_uuid"}
# Times are texts in JSON; a number that may have a fraction need not have one; a map's keys are open.
FITS: dict[type, set[str]] = {
    str: {"string", "timestamp-millis", "date"},
    bool: {"boolean"},
    int: {"long", "double"},
    float: {"double"},
    dict: {"map"},
}
# The ids of these two are numbers, in Canvas's documentation.
BARE_IDS = ("account_created", "account_updated")


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
    known = {branch["type"]: branch for branch in branches(schema) if isinstance(branch, dict)}
    if isinstance(value, dict) and "map" not in known:
        fields = schema_fields(schema)
        for name, inner in value.items():
            if name in fields:
                yield from misfits(inner, fields[name], f"{where}/{name}")
            else:
                yield f"{where}/{name}"
    elif isinstance(value, list) and "array" in known:
        for inner in value:
            yield from misfits(inner, known["array"]["items"], f"{where}/*")
    elif value is not None and not FITS[type(value)] & kinds(schema):
        yield f"{where}: {type(value).__name__} for {kinds(schema)}"


def kinds(schema: Any) -> set[Any]:
    return {
        branch.get("logicalType", branch["type"]) if isinstance(branch, dict) else branch
        for branch in branches(schema)
    }


def test_every_canvas_event_happens_here() -> None:
    assert len(NAMES) == 99
    assert set(LIVE_EVENTS) == set(NAMES)


@pytest.mark.parametrize("name", LIVE_EVENTS)
def test_an_event_happens_under_its_name_with_the_fields_and_types_of_its_schema(name: str) -> None:
    fields = schema_fields(read(AVRO / "events" / f"{name}.avsc"))
    for document in canvas(name):
        assert set(document) == {"metadata", "body"}
        assert document["metadata"]["event_name"] == name
        # These two have a place of their own in the record.
        metadata = {key: document["metadata"][key] for key in document["metadata"] if key not in fields}
        assert not list(misfits(metadata, fields["metadata"], "/metadata"))
        body = document["body"]
        if name in BARE_IDS:
            body = {key: str(value) if key.endswith("_id") else value for key, value in body.items()}
        assert not list(misfits(body, fields["body"], "/body"))


@pytest.mark.parametrize("name", LIVE_EVENTS)
def test_metadata_is_that_of_a_job_or_of_a_request(name: str) -> None:
    for happening, document in zip(happenings(name), canvas(name), strict=True):
        metadata = document["metadata"]
        assert {type(value) for value in metadata.values()} <= {str, type(None)}
        assert metadata["root_account_id"] == ROOT_ACCOUNT.global_id(1)
        if isinstance(happening.trigger, Job):
            amended = CONTEXT if name in canvas_json.AMENDED else set()
            assert set(metadata) == JOB | ROOT | amended
        else:
            assert {"request_id", "hostname", "url", "referrer", "session_id", "client_ip"} <= set(metadata)
            assert "job_id" not in metadata
            assert ("user_id" in metadata) is (happening.where.actor is not None)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(BARE_IDS)))
def test_ids_in_a_body_are_texts(name: str) -> None:
    def ids(value: Any) -> Iterator[Any]:
        for key, inner in value.items() if isinstance(value, dict) else ():
            if key == "id" or key.endswith("_id"):
                yield inner
            for part in inner if isinstance(inner, list) else [inner]:
                yield from ids(part)

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
