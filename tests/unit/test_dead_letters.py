"""Dead letters: what they say, which are alike, and that nothing of a payload shows unmasked."""

import re
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from bridge.contract import Position, RawEvent
from bridge.identity import event_id
from processors import failures
from processors.dead_letters.letters import DeadLetter
from processors.dead_letters.remedies import REMEDIES, remedy
from processors.dead_letters.selection import Selection, find_place
from processors.dead_letters.show import as_json
from processors.dead_letters.summary import Summary
from processors.failures import Reason
from processors.fan_out import MAX_RECORD_BYTES
from processors.fingerprint import fingerprint
from processors.pipeline import Pipeline
from processors.replay.masked import masked
from processors.worker.batches import Batch
from tests.planted import FAN_OUT
from tests.samples import CATALOGUE, FAILS, RECEIVED_AT
from tests.unit.letters import letter_of, letters_of
from tests.unit.test_batch_run import Site

PIPELINE = Pipeline(CATALOGUE, FAN_OUT)
NO_TIME = {
    "metadata": {"event_name": "course_updated", "event_time": "Ada"},
    "body": {"name": "Ada Lovelace"},
}
TOO_LARGE = {
    "metadata": {"event_name": "course_updated", "event_time": "2026-03-01T09:30:00.000Z"},
    "body": {"course_id": "1", "name": "x" * MAX_RECORD_BYTES},
}
REFUSED = [path.read_bytes() for path in FAILS] + [orjson.dumps(TOO_LARGE)]
SUFFIXES = [path.name.split(".")[2] for path in FAILS] + ["record_too_large"]


def test_a_reason_is_sample_suffix_header_metric_label_and_remedy() -> None:
    assert set(SUFFIXES) == set(Reason) == set(REMEDIES)
    before = {reason: counted(reason) for reason in Reason}
    site = Site()
    site.run._pipeline = PIPELINE
    live = [raw(value, offset) for offset, value in enumerate(REFUSED)]
    site.run.process(Batch("canvas.raw", 0, 0, (), live, {3: len(live)}, {3: len(live)}, None))
    headers = [dict(record.headers)["canvas.errors.reason"].decode() for record in site.delivery.delivered]
    assert headers == SUFFIXES
    grown = {reason.value: counted(reason) - before[reason] for reason in Reason}
    assert grown == {reason: SUFFIXES.count(reason) for reason in SUFFIXES}


def test_the_tree_in_failures_is_as_the_stages_fail() -> None:
    tree = (failures.__doc__ or "").split("permanent")[1].split("transient")[0]
    drawn: dict[str, str] = {}
    stage = ""
    for line in tree.splitlines()[1:]:
        begun = re.match(r" {6}(\w+) ", line)
        stage = begun[1] if begun else stage
        drawn |= {reason: stage for reason in re.findall(r"\w+", line) if reason in set(Reason)}
    assert drawn == {letter.reason: letter.stage for value in REFUSED for letter in letters_of(value)}


def counted(reason: str) -> float:
    return REGISTRY.get_sample_value("canvas_processors_dead_lettered_total", {"reason": reason}) or 0


def raw(value: bytes, offset: int = 7) -> RawEvent:
    key = event_id(value).encode()
    return RawEvent(value, key, (("ce_source", b"x"),), RECEIVED_AT, Position("canvas.raw", 3, offset))


def test_a_letter_is_read_back_as_the_delivery_was() -> None:
    value = orjson.dumps(NO_TIME)
    letter = letter_of(value)
    assert letter.raw == raw(value)
    assert (letter.position, letter.event_id) == (Position("canvas.dead_letter", 1, 5), event_id(value))
    assert (letter.stage, letter.reason, letter.event_name) == (
        "validate",
        "invalid_event_time",
        "course_updated",
    )
    assert letter.field == "/metadata/event_time"
    assert letter.message.startswith("/metadata/event_time must be an ISO 8601 time")
    assert letter.fingerprint == fingerprint("invalid_event_time", "course_updated", "/metadata/event_time")


def test_a_letter_of_an_older_version_gets_the_same_fingerprint() -> None:
    value = orjson.dumps(NO_TIME)
    older = letter_of(value, without=("canvas.errors.fingerprint",))
    assert older.fingerprint == letter_of(value).fingerprint


def test_a_record_that_is_no_letter_of_ours_is_read_all_the_same() -> None:
    names = ("stage", "reason", "field", "event_name", "fingerprint", "topic", "partition", "offset")
    stray = letter_of(b"?", without=tuple(f"canvas.errors.{name}" for name in names))
    assert (stray.reason, stray.raw.position) == ("(none)", None)
    assert "ask the version" in remedy(stray.reason)


def test_failures_alike_have_one_fingerprint() -> None:
    one = fingerprint("caliper_invalid_event", None, "/data/0")
    assert re.fullmatch("[0-9a-f]{8}", one)
    assert one == fingerprint("caliper_invalid_event", None, "/data/17")
    assert one == fingerprint("caliper_invalid_event", "", "/data/*")
    others = {
        fingerprint("caliper_version", None, "/data/0"),
        fingerprint("caliper_invalid_event", "grade_change", "/data/0"),
        fingerprint("caliper_invalid_event", None, "/data/0/id"),
        fingerprint("caliper_invalid_event", None, None),
        fingerprint("invalid_event_name", None, "attribute canvas.event_name"),
        fingerprint("invalid_event_name", None, None),
    }
    assert len(others | {one}) == 7


def test_a_summary_counts_groups_with_an_example_masked() -> None:
    found = Summary()
    for offset, value in enumerate([orjson.dumps(NO_TIME), orjson.dumps(NO_TIME), b"Ada", b'{"a": 1}']):
        found.add(letter_of(value, received_at=RECEIVED_AT + 60_000 * offset, offset=offset))
    rows = list(found.rows())
    assert (found.letters, [row["letters"] for row in rows]) == (4, [2, 1, 1])
    assert rows[0] == {
        "fingerprint": fingerprint("invalid_event_time", "course_updated", "/metadata/event_time"),
        "letters": 2,
        "share": 0.5,
        "first_seen": "2026-03-01T09:30:00.000Z",
        "last_seen": "2026-03-01T09:31:00.000Z",
        "reason": "invalid_event_time",
        "event": "course_updated",
        "field": "/metadata/event_time",
        "example": "Aaa",
        "letter": "1/0",
        "message": "/metadata/event_time must be an ISO 8601 time with a zone, like 2026-03-01T09:30:00.000Z",
    }
    assert not any("Ada" in str(row) for row in rows)


def test_a_summary_is_bounded() -> None:
    found = Summary(most_groups=1)
    for value in (b"Ada", b"Ada", b'{"a": 1}'):
        found.add(letter_of(value))
    assert (found.letters, found.other, len(list(found.rows()))) == (3, 1, 1)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(reasons=("invalid_json", "invalid_event_time")), True),
        (Selection(reasons=("invalid_json",)), False),
        (Selection(events=("course_updated",)), True),
        (Selection(events=("course_created",)), False),
        (Selection(fingerprints=("00000000",)), False),
        (Selection(places=(Position("", 1, 5),)), True),
        (Selection(places=(Position("canvas.dead_letter", 1, 5),)), True),
        (Selection(places=(Position("canvas.raw", 1, 5),)), False),
        (Selection(places=(Position("canvas.raw", 3, 7), Position("", 9, 9))), True),
        (Selection(event_ids=("nobody",)), False),
        (Selection(reasons=("invalid_event_time",), events=("course_created",)), False),
    ],
)
def test_a_selection_takes_what_has_one_of_each_kind(selection: Selection, *, taken: bool) -> None:
    assert selection.takes(letter_of(orjson.dumps(NO_TIME))) is taken


def test_a_place_has_its_topic_or_none() -> None:
    assert find_place("2/17") == Position("", 2, 17)
    assert find_place("a.b-c/2/17") == Position("a.b-c", 2, 17)
    for text in (
        "17",
        "x/17",
        "b7a1c9e2-0000-8000-8000-000000000000",
        "a/b/2/17",
        "2/-1",
        "\N{FULLWIDTH DIGIT TWO}/17",
    ):
        assert find_place(text) is None


def test_nothing_of_a_payload_shows_unless_it_is_asked_for() -> None:
    letter = letter_of(orjson.dumps({**NO_TIME, "body": {"name": "Ada", "ada@example.org": 1, "is": True}}))
    shown = as_json(letter, unmasked=False)
    assert "Ada" not in repr(letter)
    assert shown["payload"] == {
        "metadata": {"event_name": "aaaaaa_aaaaaaa", "event_time": "Aaa"},
        "body": {"name": "Aaa", "*": "9", "is": "(boolean)"},
    }
    assert as_json(letter, unmasked=True)["payload"]["body"]["name"] == "Ada"
    assert shown["headers"] == {"ce_source": "x"}
    assert shown["raw"] == "canvas.raw/3/7"
    assert "--patch" in shown["remedy"]


def test_a_payload_that_is_no_json_is_masked_too() -> None:
    letter = letter_of(b"Ada Lovelace was here, \xff and there")
    assert letter.payload(unmasked=False) == "Aaa Aaaaaaaa aaa aaaa, \\…"
    assert letter.payload(unmasked=True) == "Ada Lovelace was here, \\xff and there"
    assert letter.example() is None


def test_what_is_masked_is_bounded() -> None:
    assert masked(list(range(30)))[-2:] == ["99", "…"]
    deep: Any = "Ada"
    for _ in range(50):
        deep = [deep]
    assert "Ada" not in str(masked(deep))
    assert masked({"a": None, "b": 12.5}) == {"a": None, "b": "99.9"}


def test_letter_is_the_type() -> None:
    assert isinstance(letter_of(b""), DeadLetter)
