"""The same fact told in Canvas JSON and in Caliper becomes the same record, but for what Caliper leaves out.

tests/events/<event_name>/{canvas,caliper}.same_fact.pass.json tell of one fact each.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.samples import CATALOGUE, EVENTS, convert
from tests.schema_files import EVENTS as SCHEMAS
from tests.schema_files import SHARED, body, caliper_pointers

IN_CALIPER = [path for path in SCHEMAS if CATALOGUE.events[path.stem].caliper_matches]
METADATA = SHARED["canvasbridge.events.EventMetadata"]["fields"]

# What Caliper does not tell of the body, by event.
ASSIGNMENT = (
    "anonymous_grading assignment_group_id assignment_id_duplicated_from context_uuid "
    "created_on_blueprint_sync lti_assignment_description lti_assignment_id lti_resource_link_id "
    "lti_resource_link_id_duplicated_from resource_map submission_types anonymous_participants "
    "domain domain_duplicated_from associated_integration_id"
)
QUIZ = (
    "assignment_id assignment_group_id context_uuid description submission_types lock_at ip_filter "
    "shuffle_answers allowed_attempts scoring_policy hide_results show_correct_answers "
    "show_correct_answers_at hide_correct_answers_at show_correct_answers_last_attempt "
    "one_question_at_a_time cant_go_back one_time_results anonymous_submissions "
    "require_lockdown_browser require_lockdown_browser_for_results disable_timer_autosubmission "
    "only_visible_to_overrides"
)
LOST = {
    "asset_accessed": "category role level enrollment_id section_id",
    "assignment_created": ASSIGNMENT,
    "assignment_override_created": "",
    "assignment_override_updated": "",
    "assignment_updated": ASSIGNMENT,
    "attachment_created": "locked",
    "attachment_deleted": "locked",
    "attachment_updated": "locked old_display_name",
    "course_created": "uuid account_id account_uuid created_at updated_at",
    "course_updated": "uuid account_id account_uuid created_at updated_at",
    "discussion_entry_created": "created_at parent_discussion_entry_id",
    "discussion_topic_created": "body assignment_id workflow_state lock_at updated_at",
    "enrollment_created": "course_uuid user_uuid associated_user_id",
    "enrollment_state_created": "",
    "enrollment_state_updated": "",
    "enrollment_updated": "course_uuid user_uuid associated_user_id",
    "grade_change": "assignment_name old_grade old_score old_points_possible grading_complete muted",
    "group_category_created": "group_limit",
    "group_created": "uuid account_id workflow_state max_membership",
    "group_membership_created": "workflow_state",
    "logged_in": "",
    "logged_out": "",
    "quiz_created": QUIZ,
    "quiz_submitted": "",
    "quiz_updated": QUIZ,
    "submission_created": (
        "lti_user_id graded_at score grade late missing lti_assignment_id group_id posted_at "
        "workflow_state associated_integration_id associated_integration_ids"
    ),
    "submission_updated": (
        "submitted_at lti_user_id graded_at score grade late missing lti_assignment_id group_id "
        "posted_at workflow_state associated_integration_id associated_integration_ids"
    ),
    "syllabus_updated": "old_syllabus_body",
    "user_account_association_created": "account_uuid",
    "wiki_page_created": "",
    "wiki_page_deleted": "",
    "wiki_page_updated": "workflow_state old_title old_body",
}
# Metadata that Caliper tells otherwise: the role in Caliper's two words, and what only its envelope has.
OTHERWISE = {"context_role", "sensor", "send_time"}
# Caliper tells these of an accessed asset alone.
OF_ASSETS = {"http_method", "context_account_id", "developer_key_id"}


def told(path: Path, source: str) -> dict[str, Any]:
    (outcome,) = convert(EVENTS / path.stem / f"{source}.same_fact.pass.json")
    assert outcome["event_name"] == path.stem
    record: dict[str, Any] = outcome["record"]
    return record


def test_canvas_has_32_events_in_caliper() -> None:
    assert len(IN_CALIPER) == 32
    assert {path.stem for path in IN_CALIPER} == set(LOST)


@pytest.mark.parametrize("path", IN_CALIPER, ids=lambda path: path.stem)
def test_the_body_is_the_same_but_for_what_caliper_does_not_tell(path: Path) -> None:
    canvas, caliper = told(path, "canvas")["body"], told(path, "caliper")["body"]
    lost = set(LOST[path.stem].split())
    assert {name: value for name, value in canvas.items() if name not in lost} == {
        name: value for name, value in caliper.items() if name not in lost
    }
    assert {caliper[name] for name in lost} <= {None}


@pytest.mark.parametrize("path", IN_CALIPER, ids=lambda path: path.stem)
def test_what_is_lost_is_just_what_has_no_caliper_path(path: Path) -> None:
    assert {field["name"] for field in body(path)["fields"] if not caliper_pointers(field)} == set(
        LOST[path.stem].split()
    )


@pytest.mark.parametrize("path", IN_CALIPER, ids=lambda path: path.stem)
def test_who_where_and_when_are_the_same(path: Path) -> None:
    canvas, caliper = told(path, "canvas"), told(path, "caliper")
    both = {field["name"] for field in METADATA if caliper_pointers(field)} - OTHERWISE
    both -= set() if path.stem == "asset_accessed" else OF_ASSETS
    assert {name: canvas["metadata"][name] for name in both} == {
        name: caliper["metadata"][name] for name in both
    }
    assert canvas["event_time"] == caliper["event_time"]


@pytest.mark.parametrize("path", IN_CALIPER, ids=lambda path: path.stem)
def test_nothing_of_either_is_left_over(path: Path) -> None:
    assert told(path, "canvas")["extra"] == told(path, "caliper")["extra"] == {}
