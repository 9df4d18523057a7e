"""One long poll after the other: receive, store, delete what is stored, hold what is not."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Literal, get_args

from bridge.contract import EVENT_NAME, EVENT_TIME, SQS_MESSAGE_ID
from bridge.door_settings import SqsSettings
from bridge.ingress.backoff import Backoff, pause
from bridge.ingress.base import Delivery, DoorBroken, Overloaded, now
from bridge.ingress.pulse import Pulse
from bridge.ingress.sqs_calls import QueueTrouble
from bridge.ingress.sqs_queue import Message, Queue
from bridge.ingress.traced import traced_messages
from bridge.kafka import NotStored, Unacceptable
from bridge.metrics import RECEIVED, REFUSED, SQS_ERRORS
from bridge.rate_limit import RateLimit
from bridge.relay import Relay
from bridge.telemetry import where_raised

DOOR: Final = "sqs"
MAX_MESSAGE_BYTES: Final = 1_048_576  # SQS's own limit
DELETE_ATTEMPTS: Final = 4
EXTEND_AFTER: Final = 1 / 3  # of the visibility timeout: two extensions may fail
STUCK_SECONDS: Final = 150.0  # beyond a long poll with all its retries
HEADERS: Final = {"event_name": EVENT_NAME, "event_time": EVENT_TIME}

End = Literal["stored", "waiting", "suspect", "hopeless"]  # of one try to store a message

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Receiver:
    """Works on one batch at a time, so that Kafka's pace is the pace of receiving."""

    def __init__(self, queue: Queue, settings: SqsSettings, relay: Relay) -> None:
        self._queue = queue
        self._visibility = settings.visibility_seconds
        self._relay = relay
        self._try_to_store = traced_messages(self._store_one, settings.queue_url)
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
        """Stores and deletes a batch. Ends when all is stored, or at `stopping` after one more try.

        What Kafka will never take is neither deleted nor held: it comes again when its visibility timeout
        has passed, until somebody has mended the cause or the queue's redrive policy takes it away.
        """
        RECEIVED.labels(DOOR).inc(len(messages))
        received_at = now()
        waiting = {message.receipt: message for message in messages}
        holding = asyncio.create_task(self._hold(waiting))
        try:
            while True:
                self._pulse.beat()
                stored, hopeless = await self._store(list(waiting.values()), received_at)
                await self._delete(stored)
                for message in (*stored, *hopeless):
                    del waiting[message.receipt]
                if not waiting or stopping.is_set():
                    break
                await pause(stopping, self._backoff.next())
        finally:
            holding.cancel()
        if waiting:
            await self._give_back(list(waiting.values()))

    async def _store(
        self, messages: Sequence[Message], received_at: int
    ) -> tuple[list[Message], list[Message]]:
        """Those of the messages that Kafka has confirmed, and those it will never take."""
        ends = await asyncio.gather(*(self._try_to_store(message, received_at) for message in messages))
        of: dict[End, list[Message]] = {end: [] for end in get_args(End)}
        for message, end in zip(messages, ends, strict=True):
            of[end].append(message)
        # Kafka refuses a batch of its own for one record in it: only what it refuses alone is hopeless.
        for message in of.pop("suspect"):
            end = await self._try_to_store(message, received_at)
            of["hopeless" if end == "suspect" else end].append(message)
            if end == "suspect":
                _say_hopeless(message)
        return of["stored"], of["hopeless"]

    async def _store_one(self, message: Message, received_at: int) -> End:
        try:
            with self._relay.room() as room:
                room.grow(len(message.body))
                return await self._relay.take(_delivery(message, received_at), _stored)
        except Unacceptable:
            return "suspect"
        except (NotStored, Overloaded) as error:
            REFUSED.labels(DOOR, "not_stored").inc()
            log.warning("Kafka did not confirm a record, it is kept and tried again: %s", error)
            return "waiting"
        except Exception as error:  # one message must not end the door for all
            REFUSED.labels(DOOR, "internal").inc()
            where = where_raised(error)
            log.error(
                "fault in the SQS door, a message stays in the queue: %s\n%s", type(error).__name__, where
            )
            return "hopeless"

    async def _delete(self, stored: Sequence[Message]) -> None:
        left, backoff = list(stored), Backoff(first=0.2, most=5)
        for _ in range(DELETE_ATTEMPTS if left else 0):
            self._pulse.beat()
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
            failed = await self._extend(list(waiting.values()), self._visibility)
            self._say_failed([message for message in failed if message.receipt in waiting])

    async def _give_back(self, messages: Sequence[Message]) -> None:
        log.info("stopping: %d messages go back to the queue", len(messages))
        self._say_failed(await self._extend(messages, 0))

    async def _extend(self, messages: Sequence[Message], seconds: int) -> list[Message]:
        """Those for which it failed, where SQS answered at all."""
        try:
            return await self._queue.hold(messages, seconds)
        except (QueueTrouble, DoorBroken) as trouble:
            SQS_ERRORS.labels("extend").inc()
            log.warning("SQS did not change a visibility timeout: %s", trouble)
            return []

    def _say_failed(self, messages: Sequence[Message]) -> None:
        if messages:
            SQS_ERRORS.labels("extend").inc(len(messages))
            log.warning("SQS did not change the visibility timeout of %d messages", len(messages))


def _stored() -> End:
    return "stored"


def _say_hopeless(message: Message) -> None:
    REFUSED.labels(DOOR, "unacceptable").inc()
    log.error(
        "Kafka refuses a record of %d bytes for good, message %s stays in the queue. Raise max.message.bytes "
        "of the raw topic (`canvas-bridge check` shows it); then the message is taken when it comes again.",
        len(message.body),
        message.message_id,
    )


def _delivery(message: Message, received_at: int) -> Delivery:
    known = {HEADERS[name]: value for name, value in message.attributes.items()}
    return Delivery(DOOR, message.body, received_at, {**known, SQS_MESSAGE_ID: message.message_id})
