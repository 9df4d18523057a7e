"""Rolls typed records up: one agent per rollup folds them into a table of windows and publishes each change.

A record is acknowledged once Kafka has confirmed both the table's change and the published window. Faust
acknowledges a record even where its agent raises: so here nothing is raised, but tried again for as long as
it takes, and acknowledged by hand. What repeats after a crash changes nothing (rollups/base.py).
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import faust
from faust.types import EventT, TopicT
from faust.types.tables import WindowWrapperT
from faust.types.windows import WindowT

from bridge.contract import iso_time
from bridge.settings import KafkaSettings
from processors import metrics
from processors.catalogue import Catalogue, EventType
from processors.names import TopicNames, subject
from processors.registry import Registry
from processors.rollups import ROLLUPS
from processors.rollups.base import LeftOut, NotCounted, Rollup
from processors.rollups.faust_kafka import ConfirmedTable, KafkaApp
from processors.rollups.open_windows import OpenWindows, Place
from processors.rollups.roll_up_app import app_settings, common_partitions
from processors.rollups.trouble import told
from processors.settings import WorkerSettings
from processors.topics.topic_plan import changelog
from processors.wire_format import Decoder, Unreadable, encode

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 60.0


class RollUp:
    """One rollup at work. `decoders`: source topic -> reader of its values; `schema`: that of the windows."""

    def __init__(
        self, rollup: Rollup, decoders: Mapping[str, Decoder], schema: EventType, schema_id: int
    ) -> None:
        self._rollup = rollup
        self._decoders = decoders
        self._schema = schema
        self._schema_id = schema_id
        # A window more than the retention: sources are not read in step.
        self._open = OpenWindows(tuple(decoders), rollup.retention + rollup.window)
        self._windows: WindowWrapperT
        self._topic: TopicT
        # At 0 from the start: else nobody sees the first of its kind.
        for metric in (metrics.ROLLUP_UPDATES, metrics.ROLLUP_RETRIES, metrics.ROLLUP_WINDOWS):
            metric.labels(rollup.name)
        for reason in LeftOut:
            metrics.ROLLUP_LEFT_OUT.labels(rollup.name, reason)

    def join(self, app: faust.App, names: TopicNames, partitions: int) -> None:
        """Adds table, topics and agent to the app. Every source has that many partitions."""
        self._topic = _raw_topic(app, names.rollup(self._rollup.name))
        self._table = cast(
            "ConfirmedTable",
            app.Table(
                self._rollup.name, partitions=partitions, default=_nothing, on_changelog_event=self._restored
            ),
        )
        self._windows = self._table.tumbling(self._rollup.window)
        agent = app.agent(_raw_topic(app, *self._decoders), name=f"roll_up_{self._rollup.name}")
        agent(self._work)

    async def _work(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._insist(event)
            event.ack()

    async def _insist(self, event: EventT[bytes]) -> None:
        attempt = 0
        while True:
            try:
                await self._take(event)
            except NotCounted as left_out:
                metrics.ROLLUP_LEFT_OUT.labels(self._rollup.name, left_out.reason).inc()
            except Exception as error:
                metrics.ROLLUP_RETRIES.labels(self._rollup.name).inc()
                log.warning("rollup %s tries a record again: %s", self._rollup.name, told(error))
                longest = min(10.0, 0.1 * 2 ** min(attempt, 10))
                await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret
                attempt += 1
                continue
            return

    async def _take(self, event: EventT[bytes]) -> None:
        message = event.message
        record = await self._record(message.topic, event.value)
        self._open.read(message.partition, message.topic, record["received_at"] / 1000)
        observed = self._rollup.observe(record)
        window = self._window(observed.time)
        if self._open.is_closed(message.partition, window[1]):
            raise NotCounted(LeftOut.LATE)
        state = self._windows[observed.key][window]
        state = self._rollup.join(state, observed.state) if state else observed.state
        self._windows[observed.key][window] = state
        self._open.add(message.partition, (observed.key, window))
        await self._publish(observed.key, window, state)
        await self._forget_closed(message.partition)

    async def _record(self, topic: str, value: bytes | None) -> Mapping[str, Any]:
        try:
            return await asyncio.to_thread(self._decoders[topic].decode, value)
        except Unreadable as error:
            log.error("rollup %s leaves out a record: %s", self._rollup.name, error)
            raise NotCounted(LeftOut.UNREADABLE) from error

    async def _publish(self, key: str, window: tuple[float, float], state: dict[str, Any]) -> None:
        start = int(window[0] * 1000)
        end = start + int(self._rollup.window.total_seconds() * 1000)
        record = self._rollup.publish(state, start, end)
        # `send` only enqueues: its answer is the promise of Kafka's.
        sent = await self._topic.send(
            key=f"{key}/{iso_time(start)}".encode(),
            value=encode(self._schema_id, self._schema.parsed, record),
        )
        await self._table.confirmed(CONFIRM_SECONDS)
        await asyncio.wait_for(sent, CONFIRM_SECONDS)
        metrics.ROLLUP_UPDATES.labels(self._rollup.name).inc()

    async def _forget_closed(self, partition: int) -> None:
        for key, window in self._open.closed(partition):
            del self._windows[key][window]
            self._open.discard(partition, (key, window))
        await self._table.confirmed(CONFIRM_SECONDS)
        metrics.ROLLUP_WINDOWS.labels(self._rollup.name).set(len(self._open))

    def _window(self, milliseconds: int) -> tuple[float, float]:
        window = cast("WindowT", self._table.window)
        return window.ranges(milliseconds / 1000)[0]

    async def _restored(self, event: EventT[Any]) -> None:
        """Called for every change that is read back from the changelog."""
        key, (start, end) = cast("Any", event.key)
        place: Place = (key, (start, end))
        if event.message.value is None:
            self._open.discard(event.message.partition, place)
        else:
            self._open.add(event.message.partition, place)


@dataclass(frozen=True, slots=True)
class RollUpSetup:
    """What the rollups of a worker are made from; `schema_ids`: topic -> id."""

    kafka: KafkaSettings
    worker: WorkerSettings
    names: TopicNames
    catalogue: Catalogue
    registry: Registry
    schema_ids: Mapping[str, int]


async def rollup_app(setup: RollUpSetup) -> KafkaApp:
    """A new app with every rollup in it. Raises as common_partitions does."""
    names = setup.names
    sources = {names.typed(event) for rollup in ROLLUPS.values() for event in rollup.sources}
    changelogs = [changelog(setup.worker.group_id, name) for name in ROLLUPS]
    partitions = await asyncio.to_thread(common_partitions, setup.kafka, [*sorted(sources), *changelogs])
    app = KafkaApp(**app_settings(setup.kafka, setup.worker, partitions))
    for rollup in ROLLUPS.values():
        decoders = {
            topic: Decoder(setup.registry, subject(topic)) for topic in map(names.typed, rollup.sources)
        }
        schema, schema_id = setup.catalogue.rollups[rollup.name], setup.schema_ids[names.rollup(rollup.name)]
        RollUp(rollup, decoders, schema, schema_id).join(app, names, partitions)
    return app


def _raw_topic(app: faust.App, *names: str) -> TopicT:
    return app.topic(*names, key_serializer="raw", value_serializer="raw")


def _nothing() -> None:
    return None
