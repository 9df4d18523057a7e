"""Caliper: which Canvas event it is, several in one envelope, and what other tools send."""

from collections import defaultdict
from typing import Any

import orjson
import pytest

from bridge.contract import EVENT_NAME, RawEvent
from processors.catalogue import load_catalogue
from processors.failures import Reason
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome, Remark

CATALOGUE = load_catalogue()
EXT = "com.instructure.canvas"
URN = "urn:instructure:canvas:"
V1P1 = "http://purl.imsglobal.org/ctx/caliper/v1p1"


def event(**more: Any) -> dict[str, Any]:
    return {
        "@context": V1P1,
        "id": "urn:uuid:6f1f3c1e-1b7a-4d0e-9d53-0d8d5f6f0001",
        "type": "Event",
        "actor": {"id": f"{URN}user:100000000000007", "type": "Person"},
        "action": "Modified",
        "object": {"id": f"{URN}course:100000000000565", "type": "CourseOffering", "name": "Botany"},
        "eventTime": "2026-03-01T09:30:00.000Z",
        "extensions": {EXT: {"hostname": "canvas.example.edu", "version": "1.0.0"}},
    } | more


def run(*events: Any, headers: Any = (), **envelope: Any) -> list[Outcome]:
    payload = {"sensor": "http://canvas.example.edu/", "dataVersion": V1P1, "data": list(events)} | envelope
    pipeline = Pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), defaultdict(int)))
    return pipeline.run(RawEvent(orjson.dumps(payload), b"k", headers, 0))


def only(outcomes: list[Outcome]) -> Any:
    (outcome,) = outcomes
    return outcome.failure.reason if outcome.failure else outcome.event


def obj(kind: str, type_: str = "Entity", ext: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    extensions = {"extensions": {EXT: ext}} if ext is not None else {}
    return {"id": f"{URN}{kind}:100000000000001", "type": type_} | extensions | more


@pytest.mark.parametrize(
    ("action", "entity", "name"),
    [
        ("Modified", obj("course", "CourseOffering"), "course_updated"),
        ("Modified", obj("course", "Document"), "syllabus_updated"),
        ("Created", obj("enrollment", ext={"type": "StudentEnrollment"}), "enrollment_created"),
        ("Created", obj("enrollment"), "enrollment_created"),
        ("Modified", obj("enrollment", ext={"state": "active"}), "enrollment_state_updated"),
        ("Modified", obj("enrollment", ext={"state_is_current": True}), "enrollment_state_updated"),
        ("Submitted", obj("submission", "Attempt"), "submission_created"),
        ("Submitted", obj("submission", assignable={"type": "Assessment"}), "quiz_submitted"),
        ("Submitted", obj("submission", assignable={"id": f"{URN}quiz:1"}), "quiz_submitted"),
        ("Submitted", obj("submission", assignable={"id": f"{URN}assignment:1"}), "submission_created"),
        ("Graded", obj("submission", "Attempt"), "grade_change"),
        ("Posted", obj("discussionEntry", "Message"), "discussion_entry_created"),
        ("Created", obj("discussionEntry", "Message"), "discussion_entry_created"),
        ("LoggedIn", {"id": "http://canvas.example.edu/", "type": "SoftwareApplication"}, "logged_in"),
        ("LoggedOut", {"id": "http://canvas.example.edu/", "type": "SoftwareApplication"}, "logged_out"),
    ],
)
def test_the_event_is_recognised_without_its_name(action: str, entity: dict[str, Any], name: str) -> None:
    assert only(run(event(action=action, object=entity))).event_name == name


@pytest.mark.parametrize(
    ("action", "entity"), [("Evaporated", obj("course")), ("Created", obj("comet")), ("Modified", {})]
)
def test_a_caliper_event_of_canvas_that_is_none_of_ours_is_unknown(
    action: str, entity: dict[str, Any]
) -> None:
    unknown = only(run(event(action=action, object=entity)))
    assert unknown.event_name is None
    assert unknown.record["event_name"] is None


def test_the_attribute_wins_over_the_inference_and_that_is_remarked() -> None:
    attribute = ((EVENT_NAME, b"syllabus_updated"),)
    typed = only(run(event(), headers=attribute))
    assert typed.event_name == "syllabus_updated"
    assert Remark.NAME_CONFLICT in typed.remarks
    assert Remark.NAME_CONFLICT not in only(run(event(), headers=((EVENT_NAME, b"course_updated"),))).remarks


def test_one_bad_event_does_not_spoil_the_others() -> None:
    good, other = event(), event(id="urn:uuid:6f1f3c1e-1b7a-4d0e-9d53-0d8d5f6f0002")
    outcomes = run(good, "nonsense", other)
    assert [outcome.failure and outcome.failure.reason for outcome in outcomes] == [
        None,
        Reason.CALIPER_INVALID_EVENT,
        None,
    ]
    assert outcomes[0].event is not None
    assert outcomes[0].event.event_id == good["id"].removeprefix("urn:uuid:")


def test_an_unknown_event_among_others_is_kept_alone() -> None:
    strange = event(action="Evaporated")
    outcomes = run(event(), strange)
    assert outcomes[1].event is not None
    assert orjson.loads(outcomes[1].event.record["payload"])["data"] == [strange]


@pytest.mark.parametrize(
    ("entry", "envelope", "reason"),
    [
        (event(), {"data": []}, Reason.CALIPER_EMPTY),
        (event(), {"data": None}, Reason.CALIPER_EMPTY),
        (event(), {"data": {"a": 1}}, Reason.CALIPER_EMPTY),
        (
            event(),
            {"dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1/Context"},
            Reason.CALIPER_VERSION,
        ),
        (
            event(**{"@context": "http://purl.imsglobal.org/ctx/caliper/v1/Context"}),
            {},
            Reason.CALIPER_VERSION,
        ),
        (event(object={"id": "https://other.example/1"}, extensions={}), {}, Reason.CALIPER_NOT_CANVAS),
        (event(object="https://other.example/1", extensions=None), {}, Reason.CALIPER_NOT_CANVAS),
        (event(eventTime=None), {}, Reason.MISSING_EVENT_TIME),
        (event(eventTime="yesterday"), {}, Reason.INVALID_EVENT_TIME),
    ],
)
def test_what_is_no_event_of_canvas_is_refused_with_its_own_reason(
    entry: Any, envelope: dict[str, Any], reason: Reason
) -> None:
    assert only(run(entry, **envelope)) == reason


def test_an_actor_may_be_a_plain_string_and_extensions_may_be_missing() -> None:
    typed = only(run(event(actor=f"{URN}user:100000000000009", extensions=None)))
    assert typed.record["metadata"]["user_id"] == "100000000000009"


def test_an_anonymous_actor_is_no_user() -> None:
    actor = {"id": "http://canvas.example.edu/", "type": "SoftwareApplication"}
    typed = only(run(event(actor=actor)))
    assert typed.record["metadata"]["user_id"] is None


def test_what_is_said_nowhere_else_is_kept_and_repetitions_are_not() -> None:
    section = f"{URN}course:100000000000565:section:100000000000011"
    user = {"id": f"{URN}user:100000000000007", "type": "Person"}
    membership = {
        "id": f"{section}:Learner:7",
        "member": user,
        "organization": {"id": section},
        "status": "Active",
    }
    typed = only(run(event(membership=membership)))
    assert typed.record["extra"] == {
        "/data/0/membership/organization/id": f'"{section}"',
        "/data/0/membership/status": '"Active"',
    }


def test_the_same_number_of_another_kind_is_no_repetition() -> None:
    entity = obj(
        "course", "CourseOffering", maintainer={"id": f"{URN}user:100000000000001", "type": "Person"}
    )
    typed = only(run(event(object=entity)))
    assert typed.record["extra"] == {"/data/0/object/maintainer/id": f'"{URN}user:100000000000001"'}


def test_a_long_list_is_kept_whole() -> None:
    typed = only(run(event(scores=list(range(40_000)))))
    assert orjson.loads(typed.record["extra"]["/data/0/scores"]) == list(range(40_000))
