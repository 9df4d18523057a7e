"""A letter on its way back: which of its events it is of, patched or not, and under which event_id."""

import json
from typing import Any

import orjson
import pytest

from bridge.contract import Position
from bridge.identity import caliper_event_id, event_id
from processors.dead_letters.mending import Mending
from processors.dead_letters.patch import Patch, Rule, Verb, When
from processors.dead_letters.selection import Selection
from processors.pipeline import Pipeline
from processors.replay.redelivery import Redelivery
from tests.planted import FAN_OUT
from tests.samples import CATALOGUE, EVENTS, RECEIVED_AT
from tests.unit.letters import messages_of

PIPELINE = Pipeline(CATALOGUE, FAN_OUT)
TIME = "2026-03-02T09:20:44.001Z"
RENAMED = {"metadata": {"event_name": "course_updated", "time": TIME}, "body": {"course_id": "12"}}
RENAME = Rule(1, Verb.RENAME, "/metadata/time", to="/metadata/event_time")


def caliper(*times: str | None) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((EVENTS / "logged_out/caliper.typical.pass.json").read_text("utf-8"))
    entry = sample["data"][0]
    entries = [{**entry, "id": f"urn:uuid:{number:032x}", "eventTime": t} for number, t in enumerate(times)]
    return {**sample, "data": entries}


def mended(payload: Any, *rules: Rule, when: When | None = None, **more: Any) -> list[Redelivery]:
    """Every letter of a payload, redelivered."""
    value = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    patch = Patch("a test", when or When(), rules, "12345678") if rules else None
    mending = Mending(CATALOGUE, PIPELINE, more.pop("selection", Selection()), patch, **more)
    found = [mending.redeliver(message) for message in messages_of(value)]
    return [item for item in found if item]


def test_a_patched_event_keeps_its_event_id_time_of_receipt_and_lineage() -> None:
    (one,) = mended(RENAMED, RENAME)
    (outcome,) = one.outcomes
    original = event_id(orjson.dumps(RENAMED))
    assert event_id(one.raw.value) != original
    assert outcome.event is not None
    assert outcome.event.event_id == original
    assert outcome.event.record["event_time"] is not None
    told = dict(outcome.outgoing.headers)
    assert (told["ce_id"], told["canvas.raw"]) == (original.encode(), b"canvas.raw/3/7")
    assert outcome.outgoing.timestamp == RECEIVED_AT
    assert (one.origin, one.patch) == (Position("canvas.dead_letter", 1, 5), "12345678")
    assert one.changes == [
        "/metadata/time: 9999-99-99A99:99:99.999A -> (absent)",
        "/metadata/event_time: (absent) -> 9999-99-99A99:99:99.999A",
    ]


def test_a_record_without_a_course_is_keyed_by_its_original_event_id() -> None:
    payload = {"metadata": {"event_name": "course_updated", "time": TIME}, "body": {}}
    ((outcome,),) = [item.outcomes for item in mended(payload, RENAME)]
    assert outcome.outgoing.key == event_id(orjson.dumps(payload)).encode()


def test_changes_are_told_with_their_values_only_where_asked() -> None:
    (one,) = mended(RENAMED, RENAME, unmasked=True)
    assert one.changes[0] == f"/metadata/time: {TIME} -> (absent)"


def test_a_letter_that_no_patch_is_meant_for_is_converted_as_it_is() -> None:
    (one,) = mended(RENAMED, RENAME, when=When({"reason": "invalid_json"}))
    assert (one.patch, one.problem) == (None, None)
    assert [outcome.failure and outcome.failure.reason for outcome in one.outcomes] == ["missing_event_time"]


def test_a_letter_is_of_one_event_of_its_delivery() -> None:
    payload = caliper(TIME, None, TIME, "noon")
    letters = mended(payload)
    assert [len(letter.outcomes) for letter in letters] == [1, 1]
    assert [letter.outcomes[0].failure and letter.outcomes[0].failure.field for letter in letters] == [
        "/data/1/eventTime",
        "/data/3/eventTime",
    ]


def test_a_patched_event_of_several_has_the_id_it_had() -> None:
    payload = caliper(TIME, None, TIME)
    (one,) = mended(payload, Rule(1, Verb.SET, "/data/1/eventTime", TIME))
    (outcome,) = one.outcomes
    assert outcome.event is not None
    assert outcome.event.event_id == caliper_event_id(payload["data"][1])
    changed_id = mended(
        payload, Rule(1, Verb.SET, "/data/1/eventTime", TIME), Rule(2, Verb.REMOVE, "/data/1/id")
    )
    (event,) = [outcome.event for outcome in changed_id[0].outcomes]
    assert event is not None
    assert event.event_id == caliper_event_id(payload["data"][1])


def test_a_patch_may_not_change_how_many_events_there_are() -> None:
    (one,) = mended(caliper(TIME, None, TIME), Rule(1, Verb.REMOVE, "/data/1"))
    assert one.problem is not None
    assert "makes 2 events of 3" in one.problem
    assert one.outcomes == ()


def test_a_patch_that_finds_no_place_is_a_problem_of_that_letter() -> None:
    (one,) = mended(RENAMED, Rule(1, Verb.REMOVE, "/body/none"))
    assert one.problem == "rule 1 (remove /body/none): there is no such place in the delivery"
    (garbage,) = mended(b"no JSON", RENAME)
    assert garbage.problem == "the delivery is no JSON, so no rule finds a place in it"


@pytest.mark.parametrize(
    ("selection", "count"), [(Selection(reasons=("invalid_json",)), 0), (Selection(), 1)]
)
def test_what_is_not_selected_is_left_alone(selection: Selection, count: int) -> None:
    assert len(mended(RENAMED, selection=selection)) == count


def test_still_failing_can_be_for_another_reason() -> None:
    (one,) = mended(RENAMED, Rule(1, Verb.SET, "/metadata/event_time", "noon"))
    assert [outcome.failure and outcome.failure.reason for outcome in one.outcomes] == ["invalid_event_time"]
    assert one.patch == "12345678"
