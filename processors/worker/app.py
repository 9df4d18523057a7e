"""The Faust app of the hot hop: a service reads raw records in batches, one agent types them.

It uses Faust's services, channels and agents, and none of its Kafka clients: batches come from librdkafka
and their offsets go back to it. The rollups are another app (roll_up.py), so that what happens to Faust's
consumer (a rebalance clears the channels, a recovery halts them, a lost connection can crash the app) never
touches the events.
"""

import asyncio
from typing import Protocol, cast

import faust
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import StreamT
from faust.types.transports import TransportT
from mode import Service, ServiceT

from processors.patience import Patience
from processors.worker.batches import Batch
from processors.worker.lane import Lane


class Source(Protocol):
    """Where batches come from. Blocking; used from one thread."""

    def subscribe(self) -> None:
        """Begins."""

    def poll(self) -> Batch | None:
        """The next batch, or None after a short wait."""

    def close(self) -> None:
        """Ends."""


class Processing(Protocol):
    """What is done with a batch. Blocking; used from one thread, not the source's."""

    def open(self) -> None:
        """Gets ready; takes as long as Kafka is away."""

    def process(self, batch: Batch) -> None:
        """Returns once the batch is settled or will be read again."""

    def close(self) -> None:
        """Lets go."""


class RawFeed(Service):
    """Hands the source's batches to the agent; one is read ahead while another is processed.

    `ended` gets the exception of a source or a processing that can do no more.
    """

    def __init__(
        self, source: Source, processing: Processing, patience: Patience, batches: faust.ChannelT[Batch]
    ) -> None:
        super().__init__()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._source = source
        self._processing = processing
        self._patience = patience
        self._batches = batches
        self._reading = Lane("raw-source")
        self._working = Lane("batch-run")
        self._stuck = False

    async def on_start(self) -> None:
        """Settles first what an earlier process left undecided, then asks for offsets."""
        await self._working(self._processing.open)
        await self._reading(self._source.subscribe)

    @Service.task
    async def _feed(self) -> None:
        try:
            while not self.should_stop:
                batch = await self._reading(self._source.poll)
                if batch is not None:
                    await self._batches.send(value=batch)
        except Exception as error:
            self._fail(error)

    async def process(self, batch: Batch) -> None:
        """Processes one batch on its thread."""
        try:
            await self._working(lambda: self._processing.process(batch))
        except Exception as error:
            self._fail(error)

    def give_up(self) -> None:
        """Stops without waiting for a call that does not return. Kafka shuts out what it may still try."""
        self._stuck = True

    async def on_stop(self) -> None:
        """Waits for the batch in flight, then leaves the group. The rest is for the next process."""
        self._patience.stop()
        if not self._stuck:
            await self._working(self._processing.close)
            await self._reading(self._source.close)
        self._working.close()
        self._reading.close()

    def _fail(self, error: Exception) -> None:
        if not (self._patience.stopping or self.ended.done()):
            self.ended.set_exception(error)


class _NoKafka(BootStrategy):
    enable_kafka = False
    enable_web = False


class _IdleConsumer(driver.Consumer):
    # Streams ask for a consumer, also where there is nothing to consume: one without a loop of its own.
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return driver.AIOKafkaConsumerThread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)


class _IdleTransport(driver.Transport):
    Consumer = _IdleConsumer


class _App(faust.App):
    BootStrategy = _NoKafka

    def _new_transport(self) -> TransportT:
        return _IdleTransport(self.conf.broker_consumer, self)


def typing_app(
    source: Source, processing: Processing, patience: Patience, data_dir: str
) -> tuple[faust.App, RawFeed]:
    """The app, and the service whose `ended` tells of its end. Needs a running event loop."""
    # env={}: else BROKER_URL, APP_DATADIR and the like in the environment override what is given here.
    app = _App("canvas-typing", env={}, datadir=data_dir, web_enabled=False, autodiscover=False)
    batches = app.channel(maxsize=1)
    feed = RawFeed(source, processing, patience, batches)

    @app.agent(batches)
    async def type_raw_events(stream: StreamT[Batch]) -> None:
        async for batch in stream:
            await feed.process(batch)

    app.service(cast("type[ServiceT]", feed))  # an instance will do, whatever its annotation says
    app.flow_control.resume()  # which else Faust's consumer does, and there is none
    return app, feed
