"""A rollup at work: a record is acknowledged after Kafka has its window, and not before, whatever fails."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge.settings import KafkaSettings
from processors.catalogue import load_catalogue
from processors.names import TopicNames
from processors.registry import RegistryError
from processors.roll_up import RollUp
from processors.rollups import ROLLUPS
from processors.rollups.faust_kafka import KafkaApp
from processors.rollups.roll_up_app import app_settings
from processors.settings import WorkerSettings
from processors.wire_format import Unreadable

DAY = 86_400_000
T0 = 20_500 * DAY
SOURCE, OTHER = "canvas.course_progress", "canvas.course_completed"


def record(course: str = "1", time: int = T0, done: int = 1) -> dict[str, Any]:
    return {
        "event_id": "11111111-1111-8111-8111-111111111111",
        "event_name": "course_progress",
        "event_time": time,
        "received_at": time,
        "body": {
            "course": {"id": course},
            "user": {"id": "2"},
            "progress": {"requirement_count": 4, "requirement_completed_count": done},
        },
    }


class Message:
    def __init__(self, topic: str) -> None:
        self.topic, self.partition = topic, 0


class Event:
    """`value` is what the decoder gives, or raises."""

    def __init__(self, log: list[Any], value: Any, topic: str = SOURCE) -> None:
        self.value, self.message, self._log = value, Message(topic), log

    def ack(self) -> None:
        self._log.append("ack")


class Stream:
    def __init__(self, events: list[Event]) -> None:
        self._events = events

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event


class Decoder:
    def decode(self, value: Any) -> Mapping[str, Any]:
        outcome = value.pop(0) if isinstance(value, list) else value
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]


class Windows(defaultdict[str, Any]):
    def __missing__(self, key: str) -> Any:
        self[key] = defaultdict(lambda: None)
        return self[key]


class Kafka:
    """Stands for the rollup's topic and its table's changelog; `failures` are raised at the confirmation."""

    def __init__(self, log: list[Any]) -> None:
        self.log, self.failures = log, list[Exception | None]()
        self.keys: list[bytes] = []

    async def send(self, *, key: bytes, value: bytes) -> "asyncio.Future[None]":
        assert value[:5] == b"\0\0\0\0\x07"
        self.keys.append(key)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failure = self.failures.pop(0) if self.failures else None
        if failure is None:
            self.log.append("stored")
            sent.set_result(None)
        else:
            self.log.append("refused")
            sent.set_exception(failure)
        return sent

    async def confirmed(self, _: float) -> None:
        self.log.append("changelog")


class Site:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.log: list[Any] = []
        self.kafka, self.windows = Kafka(self.log), Windows()
        decoder: Any = Decoder()
        schema = load_catalogue().rollups["course_progress"]
        self.roll_up = RollUp(ROLLUPS["course_progress"], {SOURCE: decoder, OTHER: decoder}, schema, 7)

    def run(self, *events: Event) -> None:
        async def main() -> None:
            settings = app_settings(KafkaSettings(), WorkerSettings(), 4)
            app = KafkaApp(**settings)
            self.roll_up.join(app, TopicNames(), 4)
            stand_ins = {"_topic": self.kafka, "_windows": self.windows}
            for name, stand_in in stand_ins.items():
                setattr(self.roll_up, name, stand_in)
            self.monkeypatch.setattr(self.roll_up._table, "confirmed", self.kafka.confirmed)
            await self.roll_up._work(Stream(list(events)))

        asyncio.run(main())


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    async def at_once(_: float) -> None:
        """No waiting between attempts."""

    monkeypatch.setattr("processors.roll_up.asyncio.sleep", at_once)
    return Site(monkeypatch)


def left_out(reason: str) -> float:
    labels = {"rollup": "course_progress", "reason": reason}
    return REGISTRY.get_sample_value("canvas_processors_rollup_left_out_total", labels) or 0


def test_a_window_is_stored_before_its_record_is_acknowledged(site: Site) -> None:
    site.run(Event(site.log, record()), Event(site.log, record(time=T0 + DAY)))
    assert [step for step in site.log if step != "changelog"] == ["stored", "ack", "stored", "ack"]
    assert site.log.index("changelog") < site.log.index("ack")
    assert site.kafka.keys == [b"1/2/2026-02-16T00:00:00.000Z", b"1/2/2026-02-17T00:00:00.000Z"]


def test_a_window_kafka_does_not_take_is_tried_again_and_nothing_is_acknowledged_meanwhile(
    site: Site,
) -> None:
    site.kafka.failures = [OSError("away"), TimeoutError()]
    site.run(Event(site.log, record()), Event(site.log, record("other")))
    steps = [step for step in site.log if step != "changelog"]
    assert steps == ["refused", "refused", "stored", "ack", "stored", "ack"]


def test_a_defect_is_told_of_without_its_message_for_that_may_quote_the_record(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.kafka.failures = [ValueError("no number: s3cr3t")]
    site.run(Event(site.log, record()))
    assert "ValueError" in caplog.text
    assert "in _publish" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_registry_that_is_away_is_waited_for(site: Site) -> None:
    site.run(Event(site.log, [RegistryError("away"), RegistryError("away"), record()]))
    assert [step for step in site.log if step != "changelog"] == ["stored", "ack"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Unreadable("no"), "unreadable"),
        (record(time=T0) | {"received_at": T0 + 8 * DAY}, "late"),
        (record() | {"body": {}}, "no_id"),
    ],
)
def test_what_is_left_out_is_counted_and_acknowledged(site: Site, value: Any, reason: str) -> None:
    before = left_out(reason)
    site.run(Event(site.log, value))
    assert site.log == ["ack"]
    assert left_out(reason) == before + 1


def test_a_repeat_is_published_again_for_the_first_may_not_have_been(site: Site) -> None:
    site.run(Event(site.log, record()), Event(site.log, record()))
    assert site.log.count("stored") == 2


def test_windows_nobody_can_reach_any_more_leave_the_table(site: Site) -> None:
    later = T0 + 30 * DAY
    site.run(
        Event(site.log, record()),
        Event(site.log, record(time=later)),
        Event(site.log, record(time=later), OTHER),
        # One more for the first window, from a record that was held up for a month on its way:
        Event(site.log, record(time=T0)),
    )
    assert [window[0] * 1000 for window in site.windows["1/2"]] == [later]
    assert site.log.count("stored") == 3
    assert site.log.count("ack") == 4
