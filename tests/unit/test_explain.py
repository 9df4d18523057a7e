"""The journey of one event, over topics that are lists."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click
import pytest

from bridge.contract import Position
from bridge.identity import event_id
from bridge.settings import KafkaSettings
from processors.audit import journey as journeys
from processors.audit.explain_command import _lines
from processors.audit.journey import Explorer, Journey
from processors.audit.outcomes import Outcomes
from processors.audit.reading import Question
from processors.audit.search import RawCopy
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames, subject
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.registry import Registered, RegistryError
from processors.replay.reading import Span
from tests.samples import EVENTS, RECEIVED_AT
from tests.unit.letters import KafkaRecord

CATALOGUE, NAMES = load_catalogue(), TopicNames()
IDS = {topic: number for number, topic in enumerate(CATALOGUE.by_topic(NAMES), 100)}
PIPELINE = Pipeline(CATALOGUE, FanOut(CATALOGUE, NAMES, IDS))
HOUR = 3_600_000


class Registry:
    """Version 3 of every subject is the one of the catalogue."""

    def __init__(self) -> None:
        self.away = False

    def versions(self, name: str) -> dict[int, Any]:
        if self.away:
            raise RegistryError("the registry is away")
        return {3: CATALOGUE.by_topic(NAMES)[name.removesuffix("-value")].registered}

    def look_up(self, name: str, _: Any) -> Registered:
        return Registered(IDS[name.removesuffix("-value")], 3)


class Topics:
    """Every record of every topic, and the search over them; one partition each."""

    def __init__(self) -> None:
        self.records_of: dict[str, list[KafkaRecord]] = {}
        self.asked: list[str] = []

    def put(self, record: OutgoingRecord) -> KafkaRecord:
        stored = self.records_of.setdefault(record.topic, [])
        message = KafkaRecord(record, Position(record.topic, 0, len(stored)))
        stored.append(message)
        return message

    def receive(self, value: bytes, hours: float = 0, *, process: bool = True) -> KafkaRecord:
        """A raw record, and what the worker makes of it."""
        headers = (
            ("ce_source", b"/canvas-bridge/sqs"),
            ("canvas.sqs.message_id", b"message-1"),
            ("canvas.signature.kid", b"2026-03"),
        )
        time = RECEIVED_AT + int(hours * HOUR)
        raw = self.put(OutgoingRecord(NAMES.raw, event_id(value).encode(), value, headers, time))
        if process:
            for outcome in PIPELINE.run(journeys._raw_event(raw)):  # type: ignore[arg-type]
                self.put(outcome.outgoing)
        return raw

    def one(self, place: Position) -> KafkaRecord | None:
        stored = self.records_of.get(place.topic, [])
        return (
            stored[place.offset] if place.offset < len(stored) and stored[place.offset].record.value else None
        )

    def raw_copies(self, topic: str, key: bytes, span: Span, _: int | None = None) -> list[RawCopy]:
        found, seen = [], 0
        for message in self.records_of.get(topic, []):
            seen = max(seen, message.record.timestamp)
            if message.key() == key and message.record.timestamp >= (span.since or 0):
                found.append(RawCopy(message, message.place, seen))  # type: ignore[arg-type]
        return found

    def records(
        self, topics: Sequence[str], _: int | None, wanted: Callable[[Any], bool]
    ) -> list[KafkaRecord]:
        self.asked = list(topics)
        return [message for topic in topics for message in self.records_of.get(topic, []) if wanted(message)]


class Site:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topics, self.registry, self.processed, self.kept_since = Topics(), Registry(), 10**6, 0
        monkeypatch.setattr(journeys, "raw_bounds", lambda *_: ({0: 0}, {0: self.processed}))
        monkeypatch.setattr(journeys, "kept_since", lambda *_: {NAMES.unknown: self.kept_since})

    def explorer(self, *, unmasked: bool = False) -> Explorer:
        question = Question(KafkaSettings(), "canvas-processors", 2 * HOUR, Span(), 0)
        parts: Any = (self.topics, Outcomes(self.registry, NAMES, unmasked=unmasked))  # type: ignore[arg-type]
        return Explorer(question, CATALOGUE, *parts)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def sample(name: str, form: str = "canvas") -> Any:
    return json.loads((EVENTS / name / f"{form}.typical.pass.json").read_bytes())


def dumps(document: Any) -> bytes:
    return json.dumps(document).encode()


def text(journey: Journey) -> str:
    return "\n".join(_lines(journey))


def test_an_event_is_followed_from_its_door_to_its_rollup(site: Site) -> None:
    value = dumps(sample("course_progress"))
    site.topics.receive(value)
    journey = site.explorer(unmasked=True).of_id(event_id(value))
    (delivery,) = journey.deliveries
    assert delivery["raw"] == "canvas.raw/0/0"
    assert (delivery["door"], delivery["sqs_message_id"]) == ("/canvas-bridge/sqs", "message-1")
    assert (delivery["signature_key"], delivery["state"]) == ("2026-03", "processed")
    (typed,) = delivery["became"]
    topic = NAMES.typed("course_progress")
    assert (typed["record"], typed["event_id"]) == (f"{topic}/0/0", event_id(value))
    assert (typed["schema_id"], typed["subject"], typed["version"]) == (IDS[topic], subject(topic), 3)
    (rollup,) = typed["rollups"]
    assert rollup["topic"] == "canvas.rollup.course_progress"
    assert rollup["key"].endswith("T00:00:00.000Z")
    assert delivery["payload"] == sample("course_progress")
    assert journey.is_whole
    assert site.topics.asked == [topic, NAMES.unknown, NAMES.dead_letter]
    told = text(journey)
    assert "typed canvas.course_progress/0/0" in told
    assert f"key {rollup['key']}" in told


def test_values_are_masked_unless_asked_for(site: Site) -> None:
    document = sample("course_progress")
    document["body"]["course"]["name"] = "Secret Studies"
    value = dumps(document)
    site.topics.receive(value)
    journey = site.explorer().of_id(event_id(value))
    assert "Secret" not in text(journey)
    assert "Secret" in text(site.explorer(unmasked=True).of_id(event_id(value)))
    digits = [part for part in journey.deliveries[0]["became"][0]["key"] if part.isdigit()]
    assert set(digits) <= {"9"}


def test_a_repeat_is_told_with_what_it_repeats(site: Site) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value)
    site.topics.receive(value, 2, process=False)
    journey = site.explorer().of_id(event_id(value))
    assert [item["state"] for item in journey.deliveries] == [
        "processed",
        "duplicate of canvas.raw/0/0, dropped",
    ]
    assert journey.is_whole
    assert "received again" in text(journey)


def test_beyond_the_window_it_is_no_repeat_and_missing_where_nothing_came(site: Site) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value)
    site.topics.receive(value, 2.1, process=False)
    journey = site.explorer().of_id(event_id(value))
    assert journey.deliveries[1]["state"] == "missing"
    assert not journey.is_whole
    site.kept_since = RECEIVED_AT + 3 * HOUR
    journey = site.explorer().of_id(event_id(value))
    assert (journey.deliveries[1]["state"], journey.is_whole) == ("too old to tell", True)


def test_what_the_workers_have_not_come_to_is_not_missing(site: Site) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value, process=False)
    site.processed = 0
    journey = site.explorer().of_id(event_id(value))
    assert journey.deliveries[0]["state"] == "not yet processed"
    assert journey.is_whole


def test_a_dead_letter_says_why_and_how_to_mend_it_and_its_replay_is_told(site: Site) -> None:
    document = sample("course_updated")
    document["body"] = ["no object"]
    value = dumps(document)
    site.topics.receive(value)
    (letter,) = site.topics.records_of[NAMES.dead_letter]
    mended: Any = site.topics.receive(dumps(sample("course_updated")), process=False)
    replay = PIPELINE.run(journeys._raw_event(mended))[0]
    headers = [
        (key, b"canvas.raw/0/0" if key == "canvas.raw" else text) for key, text in replay.outgoing.headers
    ]
    replayed = (*headers, ("canvas.replayed.from", str(letter.place).encode()))
    site.topics.put(OutgoingRecord(replay.outgoing.topic, b"k", replay.outgoing.value, replayed, RECEIVED_AT))
    journey = site.explorer().of_place(Position("canvas.raw", 0, 0))
    became = {item["kind"]: item for item in journey.deliveries[0]["became"]}
    assert (became["dead letter"]["reason"], became["dead letter"]["field"]) == ("invalid_body", "/body")
    assert "--patch" in became["dead letter"]["remedy"]
    assert became["dead letter"]["replayed"] is None
    assert became["typed"]["replayed"] == {"from": "canvas.dead_letter/0/0"}
    assert "no object" not in text(journey)


def test_an_event_of_several_in_one_delivery_is_found_by_its_own_id(site: Site) -> None:
    document = sample("course_updated", "caliper")
    first = document["data"][0]
    second = json.loads(json.dumps(first)) | {"id": "urn:uuid:00000000-0000-4000-8000-000000000002"}
    document["data"].append(second)
    site.topics.receive(dumps(document))
    journey = site.explorer().of_id("00000000-0000-4000-8000-000000000002")
    assert journey.event_id == "00000000-0000-4000-8000-000000000002"
    assert len(journey.deliveries[0]["became"]) == 2


@pytest.mark.parametrize("topic", ["canvas.raw", "canvas.course_updated"])
def test_any_place_on_the_way_leads_to_the_whole_journey(site: Site, topic: str) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value)
    site.topics.receive(value, 1, process=False)
    journey = site.explorer().of_place(Position(topic, 0, 0))
    assert [item["raw"] for item in journey.deliveries] == ["canvas.raw/0/0", "canvas.raw/0/1"]


def test_a_raw_record_that_expired_is_said(site: Site) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value)
    site.topics.records_of[NAMES.raw].clear()
    for journey in (
        site.explorer().of_id(event_id(value)),
        site.explorer().of_place(Position("canvas.course_updated", 0, 0)),
    ):
        assert journey.expired == "canvas.raw/0/0"
        assert [item["record"] for item in journey.records] == ["canvas.course_updated/0/0"]
        assert "canvas.raw/0/0 is there no longer" in text(journey)


def test_without_the_registry_all_but_the_version_is_told(site: Site) -> None:
    value = dumps(sample("course_updated"))
    site.topics.receive(value)
    site.registry.away = True
    (typed,) = site.explorer().of_id(event_id(value)).deliveries[0]["became"]
    assert typed["schema_id"] == IDS["canvas.course_updated"]
    assert typed["problem"] == "the registry is away"


@pytest.mark.parametrize(
    ("topic", "said"),
    [("canvas.raw", "there is nothing at canvas.raw/0/7"), ("canvas.rollup.x", "there is nothing")],
)
def test_a_place_with_nothing_is_said(site: Site, topic: str, said: str) -> None:
    with pytest.raises(click.ClickException, match=said):
        site.explorer().of_place(Position(topic, 0, 7))


def test_a_place_in_another_topic_and_an_unknown_id_are_said(site: Site) -> None:
    site.topics.put(OutgoingRecord("canvas.rollup.x", b"k", b"v", (), 0))
    with pytest.raises(click.ClickException, match=r"canvas\.rollup\.x is no topic of events"):
        site.explorer().of_place(Position("canvas.rollup.x", 0, 0))
    with pytest.raises(click.ClickException, match="there is no event nobody"):
        site.explorer().of_id("nobody")
