"""What has ended is gone: the collector comes once in 50,000 objects, and each may hold a body of 1 MiB."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.contract import RawEvent
from bridge.ingress.base import Delivery
from bridge.ingress.connections import Connection
from bridge.ingress.request import Request
from bridge.ingress.webhook import Webhook
from bridge.kafka import NotStored, Publisher
from bridge.relay import Relay
from bridge.settings import KafkaSettings
from tests.unit.doors import MemoryKafka, running, until, webhook_settings
from tests.unit.webhook_site import Wire, request, run

NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:9", delivery_timeout_seconds=0.2)
OF_A_REQUEST = (Connection, Request, NotStored, RawEvent, Delivery)

Left = Callable[[], list[str]]


@pytest.fixture
def left() -> Iterator[Left]:
    """What there is of requests that was not before the test."""
    logging.disable()  # pytest keeps every log record, and what it speaks of
    gc.collect()
    gc.disable()
    earlier = of_requests()
    yield lambda: [repr(thing) for thing in of_requests() if not any(thing is one for one in earlier)]
    gc.enable()
    logging.disable(logging.NOTSET)


def of_requests() -> list[Any]:
    return [thing for thing in gc.get_objects() if isinstance(thing, OF_A_REQUEST)]


async def answered(port: int) -> int:
    """The status of one request, on a connection of its own."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    wire.send(request(b"{}"))
    status = await wire.status()
    wire.writer.close()
    return status


def test_of_what_was_stored(left: Left) -> None:
    async def go() -> None:
        door, kafka = Webhook(webhook_settings()), MemoryKafka()
        async with running(door, kafka):
            assert await answered(door.port) == 202
            kafka.records.clear()
            await until(lambda: not left())

    run(go())


def test_of_what_kafka_did_not_confirm(left: Left) -> None:
    async def go() -> None:
        door = Webhook(webhook_settings())
        async with Publisher(NOWHERE) as publisher, running(door, publisher):
            assert await answered(door.port) == 503
            await until(lambda: not left())

    run(go())


def test_of_what_a_door_has_read_while_kafka_is_waited_for() -> None:
    class Document(dict[str, Any]):
        """One that can be asked for."""

    async def go() -> None:
        kafka = MemoryKafka()
        kafka.open.clear()
        document = Document(metadata={}, body={})
        there = weakref.ref(document)
        relay = Relay(kafka, "canvas.raw", 1000)
        taking = asyncio.create_task(relay.take(Delivery("webhook", b"{}", 1, document=document), lambda: 1))
        del document
        await kafka.asked.wait()
        assert there() is None
        kafka.open.set()
        assert await taking == 1

    run(go())


def test_of_what_was_too_much(left: Left) -> None:
    async def go() -> None:
        door = Webhook(webhook_settings())
        async with running(door, MemoryKafka()) as work:
            with work.relay.room() as room:
                room.grow(door.max_in_flight_bytes)
                assert await answered(door.port) == 503
            await until(lambda: not left())

    run(go())
