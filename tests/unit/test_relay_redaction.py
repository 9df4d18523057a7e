"""The relay redacts first: before the event_id, before the headers, before anything is stored."""

import asyncio

import orjson
import pytest
from pydantic import ValidationError

from bridge.contract import CE_ID, EVENT_NAME
from bridge.door_settings import RedactSettings
from bridge.identity import event_id
from bridge.ingress.base import Delivery
from bridge.metrics import REDACTED
from bridge.redact import SecretNames
from bridge.relay import Relay, raw_event
from bridge.sandbox.delivery import Delivery as Sent
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import Answer
from tests.unit.doors import EVENT, MemoryKafka, metric

SECRET = "s3cr3t"


def value(secret: str = SECRET, name: str = "verifier") -> bytes:
    metadata = {**EVENT["metadata"], "url": f"https://canvas.example.edu/files/9?page=2&{name}={secret}"}
    return orjson.dumps({**EVENT, "metadata": metadata})


def delivery(payload: bytes, **attributes: str) -> Delivery:
    return Delivery("sqs", payload, 1_772_357_400_125, attributes)


def test_value_and_attributes_are_masked() -> None:
    event = raw_event(delivery(value(), **{EVENT_NAME: f"?token={SECRET}"}))
    assert event.value == value("REDACTED")
    assert event.header(EVENT_NAME) == "?token=REDACTED"
    assert SECRET.encode() not in repr(event).encode()


def test_the_event_id_is_of_the_redacted_bytes() -> None:
    one, other = raw_event(delivery(value())), raw_event(delivery(value("another")))
    assert one.key == other.key == event_id(one.value).encode() != event_id(value()).encode()
    assert one.header(CE_ID) == (one.key or b"").decode()


def test_what_holds_no_secret_is_stored_as_it_came() -> None:
    payload = value(name="per_page")
    assert raw_event(delivery(payload)).value is payload


def test_the_settings_names_are_masked_too() -> None:
    names = SecretNames(RedactSettings(query_keys="pin, LTI-Key").query_keys)
    for name in ("pin", "PIN", "lti_key", "verifier"):
        assert raw_event(delivery(value(name=name)), names).value == value("REDACTED", name)
    assert raw_event(delivery(value(name="pin"))).value == value(name="pin")


@pytest.mark.parametrize("name", ["user[pin]", "a.b", "clé", "-", "a b", "a=b"])
def test_a_setting_that_could_match_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name"):
        RedactSettings(query_keys=frozenset({name}))


def test_it_is_counted_once_it_is_stored() -> None:
    async def scenario() -> None:
        kafka = MemoryKafka()
        relay = Relay(kafka, "canvas.raw", 1000, SecretNames(["pin"]))
        before = metric(REDACTED, "sqs")
        await relay.take(delivery(value(name="per_page")), lambda: None)
        assert metric(REDACTED, "sqs") == before
        await relay.take(delivery(value(name="pin")), lambda: None)
        assert metric(REDACTED, "sqs") == before + 1
        assert [record.value for record in kafka.records] == [
            value(name="per_page"),
            value("REDACTED", "pin"),
        ]

    asyncio.run(scenario())


def test_the_simulator_knows_an_event_by_the_id_the_bridge_gives_it() -> None:
    receipts = Receipts()
    receipts.accept("door", Sent(value(), "course_created", None), Answer(True, "202", value()))
    assert receipts.event_ids == {(raw_event(delivery(value())).key or b"").decode()}
