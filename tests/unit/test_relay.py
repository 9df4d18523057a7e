"""The relay: what becomes of a delivery, and that nothing is acknowledged before it is stored."""

import asyncio

import orjson
import pytest

from bridge.contract import EVENT_NAME
from bridge.identity import event_id
from bridge.ingress.base import Delivery, Overloaded
from bridge.kafka import NotStored
from bridge.metrics import IN_FLIGHT_BYTES, STORED
from bridge.relay import Relay, raw_event
from tests.unit.doors import EVENT, MemoryKafka, metric

VALUE = orjson.dumps(EVENT)
RECEIVED_AT = 1_772_357_400_125


def delivery(**attributes: str) -> Delivery:
    return Delivery("webhook", VALUE, RECEIVED_AT, attributes)


def relay(kafka: MemoryKafka, bound: int = 1000) -> Relay:
    return Relay(kafka, "canvas.raw", bound)


def test_the_record_is_a_cloudevent_around_canvas_s_own_bytes() -> None:
    event = raw_event(Delivery("sqs", VALUE, RECEIVED_AT, {EVENT_NAME: "course_created"}))
    identity = event_id(VALUE)
    assert event.value == VALUE
    assert event.key == identity.encode()
    assert event.received_at == RECEIVED_AT
    assert {name: value.decode() for name, value in event.headers} == {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_type": "com.instructure.canvas.live_event",
        "ce_source": "/canvas-bridge/sqs",
        "ce_time": "2026-03-01T09:30:00.125Z",
        "content-type": "application/json",
        "canvas.event_name": "course_created",
    }


def test_an_attribute_that_is_no_unicode_does_not_cost_the_event() -> None:
    event = raw_event(delivery(**{EVENT_NAME: "course\ud800"}))
    assert dict(event.headers)[EVENT_NAME] == b"course\xed\xa0\x80"
    assert event.header(EVENT_NAME) is not None


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a": 1e999}', b"\x00" * 1000])
def test_every_value_has_a_key(value: bytes) -> None:
    event = raw_event(Delivery("webhook", value, RECEIVED_AT))
    assert event.value == value
    assert event.key == event_id(value).encode()


@pytest.mark.parametrize("url", [b"https://x.example/f?verifier=secret", b"https://x.example/f?page=2"])
def test_the_key_is_of_the_redacted_bytes_though_the_door_has_read_the_others(url: bytes) -> None:
    value = VALUE.replace(b'"body":{', b'"body":{"url":"%s",' % url)
    read = Delivery("webhook", value, RECEIVED_AT, document=orjson.loads(value))
    assert raw_event(read) == raw_event(read._replace(document=None))


def test_it_acknowledges_after_the_confirmation_and_not_before() -> None:
    async def scenario() -> None:
        kafka = MemoryKafka()
        kafka.open.clear()
        acknowledged: list[int] = []
        taking = asyncio.create_task(
            relay(kafka).take(delivery(), lambda: acknowledged.append(len(kafka.records)))
        )
        await kafka.asked.wait()
        await asyncio.sleep(0)
        assert acknowledged == []
        kafka.open.set()
        await taking
        assert acknowledged == [1]
        assert kafka.topics == ["canvas.raw"]

    asyncio.run(scenario())


def test_it_returns_what_the_acknowledgement_returns_and_counts_it() -> None:
    before = metric(STORED, "webhook")
    assert asyncio.run(relay_in_loop()) == "202"
    assert metric(STORED, "webhook") == before + 1


async def relay_in_loop() -> str:
    return await relay(MemoryKafka()).take(delivery(), lambda: "202")


@pytest.mark.parametrize(
    "error", [NotStored("timed out"), RuntimeError("surprise"), asyncio.CancelledError()]
)
def test_a_failure_to_publish_never_acknowledges(error: BaseException) -> None:
    async def scenario() -> None:
        kafka = MemoryKafka()
        kafka.failing = error  # type: ignore[assignment]
        acknowledged: list[str] = []
        before = metric(STORED, "webhook")
        with pytest.raises(type(error)):
            await relay(kafka).take(delivery(), lambda: acknowledged.append("yes"))
        assert acknowledged == []
        assert metric(STORED, "webhook") == before

    asyncio.run(scenario())


def test_the_bound_on_bytes_in_flight_holds_and_is_given_back() -> None:
    bounded = relay(None, bound=100)  # type: ignore[arg-type]
    before = metric(IN_FLIGHT_BYTES)
    with bounded.room() as first:
        first.grow(60)
        first.grow(40)
        assert metric(IN_FLIGHT_BYTES) == before + 100
        with bounded.room() as second, pytest.raises(Overloaded):
            second.grow(1)
    assert metric(IN_FLIGHT_BYTES) == before
    with bounded.room() as third:
        third.grow(100)


def test_room_is_given_back_after_a_failure() -> None:
    bounded = relay(None, bound=10)  # type: ignore[arg-type]

    def fail() -> None:
        with bounded.room() as room:
            room.grow(10)
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail()
