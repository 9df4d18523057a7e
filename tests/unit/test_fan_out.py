"""Where a record goes, under which key and headers, and that a dead letter is untouched."""

from collections import defaultdict

import orjson
import pytest

from bridge.contract import Position, RawEvent
from processors.catalogue import load_catalogue
from processors.failures import Failure, Reason, Stage
from processors.fan_out import MAX_RECORD_BYTES, FanOut
from processors.fingerprint import fingerprint
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome

CATALOGUE = load_catalogue()
NAMES = TopicNames("x.")
FAN_OUT = FanOut(CATALOGUE, NAMES, defaultdict(lambda: 258))
METADATA = {"event_name": "course_updated", "event_time": "2026-03-01T09:30:00.000Z"}
ORIGINAL = (("canvas.event_name", b"course_updated"), ("other", b"\xff"))


def run(payload: object, position: Position | None = None) -> Outcome:
    value = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    raw = RawEvent(value, b"the-key", ORIGINAL, 1234, position)
    (outcome,) = Pipeline(CATALOGUE, FAN_OUT).run(raw)
    return outcome


def test_a_typed_record_has_the_wire_format_its_course_as_key_and_its_lineage() -> None:
    body = {"course_id": "100000000000565"}
    outgoing = run({"metadata": METADATA, "body": body}, Position("x.raw", 3, 77)).outgoing
    assert outgoing.topic == "x.course_updated"
    assert outgoing.key == b"100000000000565"
    assert outgoing.value[:5] == b"\0\0\0\x01\x02"
    assert outgoing.timestamp == 1234
    headers = dict(outgoing.headers)
    assert headers["canvas.raw"] == b"x.raw/3/77"
    assert headers["ce_type"] == b"com.instructure.canvas.course_updated"
    assert len(headers["ce_id"]) == 36


def test_a_dead_letter_keeps_key_value_and_headers_and_says_why() -> None:
    value = b'{"metadata": 5}'
    outgoing = run(value, Position("x.raw", 3, 77)).outgoing
    assert (outgoing.topic, outgoing.key, outgoing.value) == ("x.dead_letter", b"the-key", value)
    assert outgoing.headers[: len(ORIGINAL)] == ORIGINAL
    errors = {name: text.decode() for name, text in outgoing.headers[len(ORIGINAL) :]}
    assert errors == {
        "canvas.errors.stage": "validate",
        "canvas.errors.reason": "invalid_metadata",
        "canvas.errors.field": "/metadata",
        "canvas.errors.fingerprint": fingerprint("invalid_metadata", None, "/metadata"),
        "canvas.errors.topic": "x.raw",
        "canvas.errors.partition": "3",
        "canvas.errors.offset": "77",
        "canvas.errors.exception.class.name": "Failure",
        "canvas.errors.exception.message": "/metadata must be a JSON object",
    }


def test_a_record_above_the_limit_is_a_dead_letter() -> None:
    body = {"course_id": "1", "name": "x" * MAX_RECORD_BYTES}
    outcome = run({"metadata": METADATA, "body": body})
    assert outcome.failure is not None
    assert (outcome.failure.stage, outcome.failure.reason) == (Stage.FAN_OUT, Reason.RECORD_TOO_LARGE)
    assert outcome.failure.event_name == "course_updated"
    assert outcome.outgoing.topic == "x.dead_letter"


@pytest.mark.parametrize("name", ["never_heard_of", "quizzes.quiz_session_graded"])
def test_an_unknown_event_is_kept_whole_under_its_own_id(name: str) -> None:
    payload = {"metadata": {"event_name": name, "event_time": "garbage"}, "body": ["anything"]}
    outcome = run(payload)
    assert outcome.outgoing.topic == "x.unknown"
    assert outcome.event is not None
    assert outcome.event.record["event_name"] == name
    assert outcome.event.record["event_time"] is None
    assert orjson.loads(outcome.event.record["payload"]) == payload
    assert outcome.outgoing.key == outcome.event.event_id.encode()


def test_a_failure_reads_as_a_sentence() -> None:
    failure = Failure(Stage.VALIDATE, Reason.INVALID_JSON, "unexpected end")
    assert str(failure) == "validate/invalid_json: unexpected end"
