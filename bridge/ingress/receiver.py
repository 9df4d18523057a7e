"""One long poll after the other: receive, store, delete what is stored, hold what is not."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from bridge.contract import EVENT_NAME, EVENT_TIME, SQS_MESSAGE_ID
from bridge.ingress.backoff import Backoff, pause
from bridge.ingress.base import Delivery, DoorBroken, Overloaded, now
from bridge.ingress.pulse import Pulse
from bridge.ingress.sqs_queue import Message, Queue, QueueTrouble
from bridge.kafka import NotStored
from bridge.metrics import RECEIVED, REFUSED, SQS_ERRORS
from bridge.rate_limit import RateLimit
from bridge.relay import Relay
from bridge.settings import SqsSettings

DOOR: Final = "sqs"
MAX_MESSAGE_BYTES: Final = 1_048_576  # SQS's own limit
DELETE_ATTEMPTS: Final = 4
EXTEND_AFTER: Final = 1 / 3  # of the visibility timeout: two extensions may fail
STUCK_SECONDS: Final = 150.0  # beyond a long poll with all its retries
HEADERS: Final = {"event_name": EVENT_NAME, "event_time": EVENT_TIME}

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Receiver:
    """Works on one batch at a time, so that Kafka's pace is the pace of receiving."""

    def __init__(self, queue: Queue, settings: SqsSettings, relay: Relay) -> None:
        self._queue = queue
        self._visibility = settings.visibility_seconds
        self._relay = relay
        self._pulse = Pulse(STUCK_SECONDS)
        self._backoff = Backoff(first=0.5, most=30)

    def alive(self) -> bool:
        """Whether it makes progress."""
        return self._pulse.alive()

    async def receive_until(self, stopping: asyncio.Event) -> None:
        """Receives until `stopping`. Raises DoorBroken."""
        while not stopping.is_set():
            self._pulse.beat()
            try:
                messages = await self._queue.receive()
            except QueueTrouble as trouble:
                SQS_ERRORS.labels("receive").inc()
                log.warning("SQS does not answer: %s", trouble)
                await pause(stopping, self._backoff.next())
                continue
            self._backoff.reset()
            if messages:
                await self._work(messages, stopping)

    async def _work(self, messages: list[Message], stopping: asyncio.Event) -> None:
        """Stores and deletes a batch. Ends when all is stored, or at `stopping` after one more try."""
        RECEIVED.labels(DOOR).inc(len(messages))
        received_at = now()
        waiting = {message.receipt: message for message in messages}
        holding = asyncio.create_task(self._hold(waiting))
        try:
            while True:
                self._pulse.beat()
                stored = await self._store(list(waiting.values()), received_at)
                await self._delete(stored)
                for message in stored:
                    del waiting[message.receipt]
                if not waiting or stopping.is_set():
                    break
                await pause(stopping, self._backoff.next())
        finally:
            holding.cancel()
        if waiting:
            await self._give_back(list(waiting.values()))

    async def _store(self, messages: Sequence[Message], received_at: int) -> list[Message]:
        """Those of the messages that Kafka has confirmed."""
        stored: list[Message] = []

        async def store(message: Message) -> None:
            try:
                with self._relay.room() as room:
                    room.grow(len(message.body))
                    await self._relay.take(_delivery(message, received_at), lambda: stored.append(message))
            except (NotStored, Overloaded) as error:
                REFUSED.labels(DOOR, "not_stored").inc()
                log.warning("Kafka did not confirm a record, it is kept and tried again: %s", error)

        await asyncio.gather(*(store(message) for message in messages))
        return stored

    async def _delete(self, stored: Sequence[Message]) -> None:
        left, backoff = list(stored), Backoff(first=0.2, most=5)
        for _ in range(DELETE_ATTEMPTS if left else 0):
            try:
                left = await self._queue.delete(left)
            except QueueTrouble as trouble:
                log.warning("SQS did not delete: %s", trouble)
            if not left:
                return
            SQS_ERRORS.labels("delete").inc(len(left))
            await asyncio.sleep(backoff.next())
        if left:
            log.warning("SQS kept %d stored messages: they come again, and repeats are dropped", len(left))

    async def _hold(self, waiting: dict[str, Message]) -> None:
        # Kafka's outage must not count as receives: enough of those and SQS takes the message away.
        while True:
            await asyncio.sleep(self._visibility * EXTEND_AFTER)
            await self._extend(list(waiting.values()), self._visibility)

    async def _give_back(self, messages: Sequence[Message]) -> None:
        log.info("stopping: %d messages go back to the queue", len(messages))
        await self._extend(messages, 0)

    async def _extend(self, messages: Sequence[Message], seconds: int) -> None:
        try:
            await self._queue.hold(messages, seconds)
        except (QueueTrouble, DoorBroken) as trouble:
            SQS_ERRORS.labels("extend").inc()
            log.warning("SQS did not change a visibility timeout: %s", trouble)


def _delivery(message: Message, received_at: int) -> Delivery:
    known = {HEADERS[name]: value for name, value in message.attributes.items()}
    return Delivery(DOOR, message.body, received_at, {**known, SQS_MESSAGE_ID: message.message_id})
