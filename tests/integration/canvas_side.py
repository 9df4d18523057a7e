"""Canvas before the doors: events, senders that keep the webhook busy, and the queue of the SQS door."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from bridge.sandbox.engines.base import Engine
from tests.integration.door_process import PATIENCE


def event(number: int) -> bytes:
    """A small event that no other is equal to."""
    return orjson.dumps(
        {
            "metadata": {"event_name": "logged_in", "event_time": "2026-03-01T09:30:00.125Z"},
            "body": {"number": number},
        }
    )


class Load:
    """Senders that post events one after the other and remember which were answered with 2xx."""

    def __init__(self, port: int, connections: int = 24) -> None:
        self._port = port
        self._connections = connections
        self._next = 0
        self.accepted: set[bytes] = set()
        self.lost_connections = 0
        self.statuses: set[int] = set()

    async def run_until(self, accepted: int, then: Callable[[], None]) -> None:
        """Posts until so many are accepted, calls `then` in the midst of it, and goes on to the end."""
        senders = [asyncio.create_task(self._send()) for _ in range(self._connections)]
        async with asyncio.timeout(PATIENCE):
            while len(self.accepted) < accepted:
                assert not any(sender.done() for sender in senders), "a sender gave up"
                await asyncio.sleep(0.002)
        then()
        await asyncio.wait_for(asyncio.gather(*senders), PATIENCE)

    async def _send(self) -> None:
        """Ends with its connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while True:
                self._next += 1
                body = event(self._next)
                writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                status = await _status(reader)
                self.statuses.add(status)
                if 200 <= status < 300:
                    self.accepted.add(body)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.lost_connections += 1
        finally:
            writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
    return int(head.split()[1])


class CanvasQueue:
    """The queue Canvas writes to."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.client: Any = engine.addresses.sqs()
        self.url = url
        # As many as keep the door busy for some seconds; the SQS of the embedded engine is slow.
        self.total = 200 if engine.name == "embedded" else 2000

    def send(self, count: int) -> set[bytes]:
        """Sends so many events; their bodies."""
        bodies = [event(number) for number in range(count)]
        name = {"event_name": {"DataType": "String", "StringValue": "logged_in"}}
        for at in range(0, count, 10):
            entries = [
                {"Id": str(number), "MessageBody": body.decode(), "MessageAttributes": name}
                for number, body in enumerate(bodies[at : at + 10])
            ]
            assert not self.client.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")
        return set(bodies)

    def left(self) -> int:
        """Messages that are not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)
