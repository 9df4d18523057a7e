"""One fact, told in both formats, becomes the same record: equal in all that Caliper has, else null.

Where the formats honestly differ, `LOST`, `UNTOLD` and `ALIKE` say in what and why.
"""

import html
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from bridge.contract import RawEvent
from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Course
from bridge.sandbox.live_events import caliper, canvas_json
from bridge.sandbox.live_events.base import Happening, Job
from bridge.sandbox.live_events.caliper import Scope
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from tests.schema_files import AVRO, SHARED, Schema, body, caliper_pointers
from tests.unit.happenings import happenings

CATALOGUE = load_catalogue()
PIPELINE = Pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), defaultdict(int)))
METADATA = SHARED["canvasbridge.events.EventMetadata"]

Record = dict[str, Any]

# Fields of metadata that Caliper does not always have, and why.
LOST = {
    "http_method": "only asset_accessed says it, in the extensions of its object",
    "developer_key_id": "only asset_accessed says it, in the extensions of its object",
    "context_account_id": "only asset_accessed says it, in the extensions of its object",
    "context_type": "it is the group, which some events lack, and which a sub-account is not",
    "context_id": "it is the group, which some events lack, and which a sub-account is not",
    "context_role": "it is the membership, which some events lack, and which is of courses only",
}
# Fields that the documentation's Caliper of these events has not, though that of `_updated` has.
UNTOLD = {
    ("assignment_created", "workflow_state"): "Caliper tells the state of updates only",
    ("course_created", "workflow_state"): "Caliper tells the state of updates only",
    ("submission_created", "updated_at"): "of a new submission Caliper tells when it was handed in",
}
# Fields of the Caliper envelope, which Canvas JSON does not have.
ENVELOPE = {"sensor", "send_time"}
ROLES = {"StudentEnrollment": "Learner", "TeacherEnrollment": "Instructor"}


def as_written(value: Any) -> Any:
    return html.unescape(value) if isinstance(value, str) else value


def same_time(one: Any, other: Any) -> bool:
    """Canvas JSON may leave out the fraction of a second."""
    return one == other or (one is not None and other is not None and one == other // 1000 * 1000)


# Values that mean the same: (record of Canvas JSON, record of Caliper).
ALIKE: dict[str, Callable[[Any, Any], bool]] = {
    # Caliper knows but two roles.
    "context_role": lambda one, other: ROLES.get(one) == other,
    # Canvas writes some addresses in Caliper as HTML would.
    "url": lambda one, other: one == as_written(other),
}


def record(document: dict[str, Any]) -> Record:
    (outcome,) = PIPELINE.run(RawEvent(orjson.dumps(document), b"key", (), 1_772_438_400_000))
    assert outcome.event is not None, outcome.failure
    return outcome.event.record


def pairs(name: str) -> Iterator[tuple[Happening, Record, Record]]:
    dice = Dice(f"{name}/same")
    for happening in happenings(name):
        yield (
            happening,
            record(canvas_json.render(happening, dice)),
            record(caliper.render(happening, dice)),
        )


def lost(happening: Happening, key: str) -> bool:
    """Whether Caliper lacks the field of metadata in this event."""
    if not key.startswith("context_") or key == "context_account_id":
        return key in LOST and happening.event_name != "asset_accessed"
    scope = caliper.FORMS[happening.event_name].scope
    lacking = {Scope.NOTHING} if key == "context_role" else {Scope.NOTHING, Scope.MEMBERSHIP}
    return scope in lacking or not isinstance(happening.where.context, Course)


def is_time(field: Schema) -> bool:
    return any(isinstance(branch, dict) and "logicalType" in branch for branch in field["type"])


def alike(field: Schema, one: Any, other: Any) -> bool:
    name = field["name"]
    if name in ALIKE:
        return ALIKE[name](one, other)
    return same_time(one, other) if is_time(field) else bool(one == other)


@pytest.mark.parametrize("name", caliper.FORMS)
def test_the_body_is_the_same_in_both_formats(name: str) -> None:
    fields = body(AVRO / "events" / f"{name}.avsc")["fields"]
    for _, canvas, other in pairs(name):
        assert canvas["event_name"] == other["event_name"] == name
        assert canvas["event_time"] == other["event_time"]
        for field in fields:
            one, another = (told["body"][field["name"]] for told in (canvas, other))
            if caliper_pointers(field) and (name, field["name"]) not in UNTOLD:
                assert alike(field, one, another), (field["name"], one, another)
            else:
                assert another is None, field["name"]


@pytest.mark.parametrize("name", caliper.FORMS)
def test_metadata_is_the_same_in_both_formats(name: str) -> None:
    for happening, canvas, other in pairs(name):
        for field in METADATA["fields"]:
            key = field["name"]
            one, another = canvas["metadata"][key], other["metadata"][key]
            if not caliper_pointers(field) or lost(happening, key):
                assert another is None, key
            elif key in ("context_type", "context_id") and one is None:
                # Canvas JSON tells no context of most jobs; Caliper does.
                assert isinstance(happening.trigger, Job)
                assert another is not None
            elif key not in ENVELOPE:
                assert alike(field, one, another), (key, one, another)


@pytest.mark.parametrize("name", caliper.FORMS)
def test_nothing_is_left_over_in_either_format(name: str) -> None:
    for _, canvas, other in pairs(name):
        assert canvas["extra"] == other["extra"] == {}


def test_what_caliper_is_said_to_lose_it_does_not_always_lose() -> None:
    told = [other["metadata"] for name in caliper.FORMS for _, _, other in pairs(name)]
    for key in LOST:
        assert any(metadata[key] is not None for metadata in told), key
        assert any(metadata[key] is None for metadata in told), key


def test_every_field_that_caliper_has_is_told_now_and_then() -> None:
    untold = {
        (name, field["name"])
        for name in caliper.FORMS
        for field in body(AVRO / "events" / f"{name}.avsc")["fields"]
        if caliper_pointers(field)
        and all(other["body"][field["name"]] is None for _, _, other in pairs(name))
    }
    assert untold == set(UNTOLD)
