"""Delivers a feed as Canvas does: many at a time, each tried again three times before it is given up."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Final

from bridge.sandbox.delivery import Delivery
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import Sender

RETRIES: Final = 3
LONGEST_WAIT_SECONDS: Final = 30.0

Queue = asyncio.Queue[Delivery | None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: `rate` in deliveries a second (0: as fast as answered), `concurrency` per door.

    `backoff_seconds` is about the first pause before a retry, doubled each time; Canvas's own are minutes.
    """

    rate: float = 0.0
    concurrency: int = 32
    backoff_seconds: float = 0.5


async def deliver(
    feed: Iterable[Delivery], senders: Sequence[Sender], pace: Pace, receipts: Receipts
) -> None:
    """Hands every delivery to the sender its `door` names, and returns when each has its last answer."""
    queues: list[Queue] = [asyncio.Queue(2 * pace.concurrency) for _ in senders]
    async with asyncio.TaskGroup() as tasks:
        for sender, queue in zip(senders, queues, strict=True):
            for _ in range(max(1, pace.concurrency // sender.batch)):
                tasks.create_task(_work(sender, queue, pace, receipts))
        await _fill(feed, queues, pace)
        for queue in queues:
            await queue.put(None)


async def _fill(feed: Iterable[Delivery], queues: Sequence[Queue], pace: Pace) -> None:
    clock = asyncio.get_running_loop().time
    start = clock()
    for place, delivery in enumerate(feed):
        if pace.rate:
            early = start + place / pace.rate - clock()
            if early > 0:
                await asyncio.sleep(early)
        await queues[delivery.door].put(delivery)


async def _work(sender: Sender, queue: Queue, pace: Pace, receipts: Receipts) -> None:
    while (delivery := await queue.get()) is not None:
        deliveries = [delivery]
        while len(deliveries) < sender.batch and not queue.empty():
            more = queue.get_nowait()
            if more is None:
                queue.put_nowait(None)
                break
            deliveries.append(more)
        await _persist(sender, deliveries, pace, receipts)
    await queue.put(None)  # the next worker's sign to stop


async def _persist(sender: Sender, deliveries: Sequence[Delivery], pace: Pace, receipts: Receipts) -> None:
    for delivery in deliveries:
        receipts.send(sender.name, delivery)
    for attempt in range(RETRIES + 1):
        wait = pace.backoff_seconds * 2**attempt * SystemRandom().uniform(0.5, 1.0)
        refused: list[Delivery] = []
        for delivery, answer in zip(deliveries, await sender.send(deliveries), strict=True):
            if answer.accepted:
                receipts.accept(sender.name, delivery, answer)
            else:
                receipts.refuse(sender.name, answer, last=attempt == RETRIES)
                refused.append(delivery)
                wait = max(wait, answer.retry_after or 0.0)
        if not refused or attempt == RETRIES:
            return
        deliveries = refused
        await asyncio.sleep(min(wait, LONGEST_WAIT_SECONDS))
