"""Every event the simulator makes has, in Caliper, the shape that stands for it in Canvas's documentation."""

import re
from functools import cache
from typing import Any

import orjson
import pytest

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events import LIVE_EVENTS, caliper
from bridge.sandbox.live_events.base import Job
from bridge.sandbox.live_events.caliper import EXTENSIONS
from tests.unit.happenings import SAMPLES, happenings

# Canvas documentation, format Caliper: type, action, type of the object, kind of its URN (None: an address).
SHAPES = {
    "assignment_created": ("Event", "Created", "AssignableDigitalResource", "assignment"),
    "assignment_updated": ("Event", "Modified", "AssignableDigitalResource", "assignment"),
    "assignment_override_created": ("Event", "Created", "Entity", "assignment_override"),
    "assignment_override_updated": ("Event", "Modified", "Entity", "assignment_override"),
    "attachment_created": ("Event", "Created", "Document", "attachment"),
    "attachment_updated": ("Event", "Modified", "Document", "attachment"),
    "attachment_deleted": ("Event", "Deleted", "Document", "attachment"),
    "course_created": ("Event", "Created", "CourseOffering", "course"),
    "course_updated": ("Event", "Modified", "CourseOffering", "course"),
    "discussion_entry_created": ("MessageEvent", "Posted", "Message", "discussionEntry"),
    "discussion_topic_created": ("ThreadEvent", "Created", "Thread", "discussion"),
    "enrollment_created": ("Event", "Created", "Entity", "enrollment"),
    "enrollment_updated": ("Event", "Modified", "Entity", "enrollment"),
    "enrollment_state_created": ("Event", "Created", "Entity", "enrollment"),
    "enrollment_state_updated": ("Event", "Modified", "Entity", "enrollment"),
    "grade_change": ("GradeEvent", "Graded", "Attempt", "submission"),
    "group_category_created": ("Event", "Created", "Entity", "groupCategory"),
    "group_created": ("Event", "Created", "Group", "group"),
    "group_membership_created": ("Event", "Created", "Membership", "groupMembership"),
    "logged_in": ("SessionEvent", "LoggedIn", "SoftwareApplication", None),
    "logged_out": ("SessionEvent", "LoggedOut", "SoftwareApplication", None),
    "quiz_created": ("Event", "Created", "Assessment", "quiz"),
    "quiz_updated": ("Event", "Modified", "Assessment", "quiz"),
    "quiz_submitted": ("AssessmentEvent", "Submitted", "Attempt", "submission"),
    "submission_created": ("AssignableEvent", "Submitted", "Attempt", "submission"),
    "submission_updated": ("Event", "Modified", "Attempt", "submission"),
    "syllabus_updated": ("Event", "Modified", "Document", "course"),
    "user_account_association_created": ("Event", "Created", "Entity", "account"),
    "wiki_page_created": ("Event", "Created", "Page", "wikiPage"),
    "wiki_page_updated": ("Event", "Modified", "Page", "wikiPage"),
    "wiki_page_deleted": ("Event", "Deleted", "Page", "wikiPage"),
}
# The one event whose objects are of many kinds: type and kind of URN of each asset.
ASSETS = {
    ("AssignableDigitalResource", "assignment"),
    ("Page", "wikiPage"),
    ("Thread", "discussion"),
    ("Entity", "account"),
    ("Entity", "attachment"),
    ("Entity", "context_external_tool"),
    ("Entity", "course"),
    ("Entity", "enrollment"),
    ("Entity", "learning_outcome"),
    ("Entity", "quizzes:quiz"),
    ("Entity", "user"),
}


@cache
def envelopes(name: str) -> list[dict[str, Any]]:
    dice = Dice(f"{name}/caliper")
    return [caliper.render(happening, dice) for happening in happenings(name)]


def shape(event: dict[str, Any]) -> tuple[str, str, str, str | None]:
    thing = event["object"]
    _, _, urn = thing["id"].partition("urn:instructure:canvas:")
    return event["type"], event["action"], thing["type"], urn.rpartition(":")[0] or None


def test_the_32_events_of_caliper_have_a_form() -> None:
    assert len(SHAPES) == 31
    assert set(caliper.FORMS) == {*SHAPES, "asset_accessed"} <= set(LIVE_EVENTS)


@pytest.mark.parametrize("name", caliper.FORMS)
def test_every_envelope_has_one_event_of_canvas(name: str) -> None:
    for envelope in envelopes(name):
        assert envelope["dataVersion"] == "http://purl.imsglobal.org/ctx/caliper/v1p1"
        (event,) = envelope["data"]
        assert event["id"].startswith("urn:uuid:")
        assert event["eventTime"] <= envelope["sendTime"]
        assert event["extensions"][EXTENSIONS]["version"] == "1.0.0"


@pytest.mark.parametrize("name", SHAPES)
def test_a_caliper_event_has_the_type_action_object_and_urn_that_stand_for_it(name: str) -> None:
    for envelope in envelopes(name):
        assert shape(envelope["data"][0]) == SHAPES[name]


def test_many_kinds_of_assets_are_navigated_to() -> None:
    shapes = {shape(envelope["data"][0]) for envelope in envelopes("asset_accessed")}
    assert shapes == {("NavigationEvent", "NavigatedTo", *asset) for asset in ASSETS}


def test_enrolments_differ_by_the_state_in_their_extensions() -> None:
    made = [
        envelope["data"][0]["object"]["extensions"][EXTENSIONS]
        for envelope in envelopes("enrollment_created")
    ]
    changed = [
        envelope["data"][0]["object"]["extensions"][EXTENSIONS]
        for envelope in envelopes("enrollment_state_updated")
    ]
    assert not any({"state", "state_is_current"} & set(extensions) for extensions in made)
    assert all({"state", "state_is_current"} <= set(extensions) for extensions in changed)
    assert all(extensions["user_id"].startswith("urn:") for extensions in made)


def test_a_submission_is_of_an_assignment_and_a_quiz_attempt_of_a_quiz() -> None:
    for name, type_, kind in (
        ("submission_created", "AssignableDigitalResource", "assignment"),
        ("quiz_submitted", "Assessment", "quiz"),
    ):
        for envelope in envelopes(name):
            assignable = envelope["data"][0]["object"]["assignable"]
            assert assignable["type"] == type_
            assert assignable["id"].startswith(f"urn:instructure:canvas:{kind}:")


def test_group_and_membership_are_there_where_canvas_gives_them() -> None:
    for name, keys in (
        ("course_created", set()),
        ("logged_in", set()),
        ("syllabus_updated", {"membership"}),
        ("group_membership_created", set()),
        ("user_account_association_created", set()),
        ("assignment_created", {"group", "membership"}),
    ):
        for envelope in envelopes(name):
            assert {"group", "membership"} & set(envelope["data"][0]) == keys
    for name in ("enrollment_created", "enrollment_updated"):
        group = envelopes(name)[0]["data"][0]["group"]
        assert group["type"] == "CourseSection"
        assert re.fullmatch(r"urn:instructure:canvas:course:\d+:section:\d+", group["id"])
    for name in ("discussion_topic_created", "group_category_created"):
        assert len(envelopes(name)[0]["data"][0]["group"]["extensions"][EXTENSIONS]["entity_id"]) < 13


def test_jobs_have_neither_session_nor_request_in_caliper() -> None:
    by_job = 0
    for happening, envelope in zip(
        happenings("enrollment_state_updated"), envelopes("enrollment_state_updated"), strict=True
    ):
        event = envelope["data"][0]
        origin = event["extensions"][EXTENSIONS]
        if isinstance(happening.trigger, Job):
            by_job += 1
            assert set(origin) == {"job_id", "job_tag", "version"}
            assert "session" not in event
            assert event["actor"]["type"] == "SoftwareApplication"
        else:
            assert {"request_id", "request_url", "hostname"} <= set(origin)
            assert event["actor"]["type"] == "Person"
    assert 0 < by_job < SAMPLES


def test_caliper_has_the_oddities_seen_in_real_feeds() -> None:
    text = b"".join(orjson.dumps(envelope) for name in caliper.FORMS for envelope in envelopes(name))
    assert b"&amp;enrollment[type]" in text
    assert b"&enrollment[type]" in text
    assert re.search(rb'"maxScore":\{"numberStr":"[\d.]+"\}', text)
    assert re.search(rb'"maxScore":[\d.]+', text)
    assert re.search(rb'[^"]\.\.\."', text)
    assert b"null" not in text
