"""A steady load: the simulator's feed through its own senders, tried again as Canvas does, into a ledger."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

from bridge.sandbox.delivery import Delivery
from bridge.sandbox.feed import Feed, FeedPlan
from bridge.sandbox.outbox import Pace, deliver
from bridge.sandbox.senders import Answer, Sender
from tests.faults.ledger import Ledger
from tests.integration.door_process import PATIENCE

MakeSenders = Callable[[], Sequence[Sender]]

ENDLESS: Final = 2**40

Result = TypeVar("Result")


class Gate:
    """A sender that can be held up, and exchanged for another, while it is in use."""

    def __init__(self, sender: Sender) -> None:
        self.name, self.batch, self.text_only = sender.name, sender.batch, sender.text_only
        self._sender = sender
        self._before: list[Sender] = []
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Condition()
        self._under_way = 0

    async def send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """As the sender of the moment does."""
        await self._open.wait()
        self._under_way += 1
        try:
            return await self._sender.send(deliveries)
        finally:
            self._under_way -= 1
            async with self._idle:
                self._idle.notify_all()

    async def hold(self) -> None:
        """Lets nobody pass any more; returns when nothing is under way."""
        self._open.clear()
        async with self._idle:
            await self._idle.wait_for(lambda: not self._under_way)

    async def go_on(self) -> None:
        """Lets everybody pass."""
        self._open.set()

    async def exchange(self, make: Callable[[], Sender]) -> None:
        """From now on another sender sends."""
        self._before.append(self._sender)
        self._sender = make()

    async def close(self) -> None:
        """Closes all there were."""
        for sender in (*self._before, self._sender):
            await sender.close()


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`rate` in deliveries a second; `padding`: spaces behind every payload, to make it larger."""

    feed: FeedPlan
    rate: float
    concurrency: int = 32
    padding: int = 0
    backoff_seconds: float = 1.0


class Load:
    """Delivers from a thread of its own, from `__enter__` until `stop`, or until the feed ends."""

    def __init__(self, senders: MakeSenders, plan: LoadPlan, ledger: Ledger) -> None:
        """`senders` is called in the event loop: one sender for each door of the feed."""
        self._senders = senders
        self._plan = plan
        self._ledger = ledger
        self._stopping = False
        self._failure: BaseException | None = None
        self._gates: list[Gate] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(PATIENCE)

    def stop(self) -> None:
        """Sends nothing new; returns when everything has its last answer. Raises what ended the load."""
        self._stopping = True
        self._thread.join(PATIENCE)
        self.check()
        assert not self._thread.is_alive(), f"deliveries without an answer after {PATIENCE} s"

    def check(self) -> None:
        """Raises what ended the load."""
        if self._failure is not None:
            raise self._failure

    @property
    def ended(self) -> bool:
        """Whether the whole feed has its answers."""
        return not self._thread.is_alive()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is under way while the block lasts."""
        for gate in self._gates:
            self._call(gate.hold())
        yield
        for gate in self._gates:
            self._call(gate.go_on())

    def exchange(self, make: Callable[[], Sender]) -> None:
        """The first door gets another sender."""
        self._call(self._gates[0].exchange(make))

    def try_once(self, delivery: Delivery) -> Answer:
        """One more delivery through the first door, beside the others and not tried again."""
        return self._call(self._try_once(delivery))

    async def _try_once(self, delivery: Delivery) -> Answer:
        gate = self._gates[0]
        self._ledger.send(gate.name, delivery)
        (answer,) = await gate.send([delivery])
        if answer.accepted:
            self._ledger.accept(gate.name, delivery, answer)
        else:
            self._ledger.refuse(gate.name, answer, last=True)
        return answer

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._failure is not None:
            work.close()
            raise self._failure
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._deliver())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._loop.close()

    async def _deliver(self) -> None:
        self._gates = [Gate(sender) for sender in self._senders()]
        plan = self._plan
        try:
            pace = Pace(plan.rate, plan.concurrency, plan.backoff_seconds)
            await deliver(self._feed(), self._gates, pace, self._ledger)
        finally:
            for gate in self._gates:
                await gate.close()

    def _feed(self) -> Iterator[Delivery]:
        padding = b" " * self._plan.padding
        for delivery in Feed(self._plan.feed):
            if self._stopping:
                return
            yield replace(delivery, payload=delivery.payload + padding) if padding else delivery
