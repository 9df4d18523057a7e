"""`canvas-processors worker`: raw topic to typed topics, exactly once where Kafka can, and the rollups."""

import asyncio
import logging
import math
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import faust
from confluent_kafka import KafkaException

from bridge.command_line import read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import AdminServer, configure_logging
from bridge.tracing import TRACING
from processors.catalogue import Catalogue, load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.patience import Patience
from processors.pipeline import Pipeline
from processors.privacy.configured import configured_protection
from processors.registry import Registry, RegistryError, schema_ids
from processors.roll_up import RollUpSetup, rollup_app
from processors.rollups.faust_kafka import KafkaApp
from processors.rollups.roll_up_app import keep_rolling
from processors.settings import (
    DeadLetterLimitSettings,
    Delivery,
    PrivacySettings,
    ProcessorsAdminSettings,
    WorkerSettings,
)
from processors.worker.app import RawFeed, typing_app
from processors.worker.batch_run import BatchRun, Memory
from processors.worker.client_logs import quieten
from processors.worker.dead_letter_limit import DeadLetterLimit
from processors.worker.delivery import DELIVERIES
from processors.worker.delivery.base import NotDelivered
from processors.worker.duplicates import DuplicateWindow
from processors.worker.lag import LagMeter, Positions, keep_measuring
from processors.worker.lag_gauges import LagGauges
from processors.worker.raw_source import Evicted, RawSource
from processors.worker.tracing import traced_delivery, traced_pipeline, traced_run

log = logging.getLogger(__name__)

STUCK_SECONDS = 90.0  # a call of librdkafka that is sound takes 30 s at the most
LIVE_SECONDS = 2 * STUCK_SECONDS
STOP_SECONDS = 45.0
OUTAGE_SECONDS = 120.0  # how long after one Kafka's verdicts may still come of it
GUARANTEES = {
    Delivery.EXACTLY_ONCE: "exactly once: consumers that read committed see every event once",
    Delivery.AT_LEAST_ONCE: "at least once: a crash can repeat the last batch in the typed topics",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything the worker is told."""

    worker: WorkerSettings
    kafka: KafkaSettings
    registry: SchemaRegistrySettings
    admin: ProcessorsAdminSettings
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    limit: DeadLetterLimitSettings = field(default_factory=DeadLetterLimitSettings)


@click.command("worker", short_help="Type raw events and roll them up.")
@settings_options(WorkerSettings, KafkaSettings, SchemaRegistrySettings, PrivacySettings)
@settings_options(DeadLetterLimitSettings, ProcessorsAdminSettings, LogSettings)
def command(**options: Any) -> None:
    """Reads raw deliveries, writes typed records, unknown events and dead letters, and rolls up.

    Needs the topics and schemas: see `canvas-processors topics create` and `schemas register`. Stops on
    SIGTERM or Ctrl-C after the batch in flight.

    With more dead letters than the dead-letter limit it holds: it commits nothing of that batch, says why, is
    not ready, and looks again within a minute.
    """
    configure_logging(read_settings(LogSettings, options))
    quieten()
    setup = Setup(
        read_settings(WorkerSettings, options),
        read_settings(KafkaSettings, options),
        read_settings(SchemaRegistrySettings, options),
        read_settings(ProcessorsAdminSettings, options),
        read_settings(PrivacySettings, options),
        read_settings(DeadLetterLimitSettings, options),
    )
    try:
        with TRACING.on("canvas-processors-worker"):
            asyncio.run(Worker(setup).run())
    except (Evicted, RegistryError, KafkaException, OSError, ValueError) as error:
        log.error("the worker ends: %s", error)
        sys.exit(1)


class Worker:
    """One process of the group."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._patience = Patience()
        self._names = TopicNames(setup.kafka.topic_prefix)
        self._source: RawSource | None = None
        self._rollups: KafkaApp | None = None
        self._limit = DeadLetterLimit(setup.limit)
        self._started_over = -math.inf

    async def run(self) -> None:
        """Works until it is asked to stop. Raises what only a new process or a person can mend."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop, stopping)
        admin = AdminServer(self._setup.admin.host, self._setup.admin.port, self._is_live, self._is_ready)
        log.info("metrics and probes on port %s", admin.port)
        try:
            log.info("delivery %s", GUARANTEES[self._setup.worker.delivery])
            catalogue = load_catalogue()
            protection = configured_protection(self._setup.privacy, catalogue)
            if protection:
                log.info("privacy policy %s (version/fingerprint/key id)", protection.mark)
            ids = await asyncio.to_thread(
                schema_ids, catalogue, self._names, self._setup.registry, self._patience
            )
            rolling = asyncio.create_task(self._roll_up(catalogue, ids, stopping))
            measuring = asyncio.create_task(self._measure_lag())
            pipeline = traced_pipeline(catalogue, FanOut(catalogue, self._names, ids), protection)
            try:
                while not stopping.is_set():
                    await self._work(pipeline, stopping)
            finally:
                stopping.set()
                measuring.cancel()
                await asyncio.wait((rolling, measuring))
                rolling.result()
        except (NotDelivered, RegistryError):
            if not self._patience.stopping:
                raise
        finally:
            admin.close()
        log.info("stopped")

    async def _work(self, pipeline: Pipeline, stopping: asyncio.Event) -> None:
        worker, kafka, self._patience = self._setup.worker, self._setup.kafka, Patience()
        window = DuplicateWindow(worker.duplicate_window_seconds)
        source = self._source = RawSource(kafka, worker, self._names.raw, window, self._patience)
        delivery = DELIVERIES[worker.delivery](kafka, worker, source.consumer, self._patience)
        delivery = traced_delivery(delivery, pipeline)
        run = BatchRun(source, Memory(window, self._limit), pipeline, delivery, self._patience)
        app, feed = typing_app(source, traced_run(run, pipeline), self._patience, worker.data_dir)
        try:
            await app.start()
            await self._watch(feed, stopping)
        except Evicted as error:
            # After an outage Kafka may take this very worker for its own predecessor, even before a call of
            # ours has failed. Shut out once more without one, we have met another worker of our name.
            now = time.monotonic()
            outage = now - self._patience.last_trouble < OUTAGE_SECONDS
            if not outage and now - self._started_over < OUTAGE_SECONDS:
                raise
            self._started_over = now
            log.warning("starting over: %s", error)
        finally:
            self._source = None
            await _stop(app)

    async def _roll_up(self, catalogue: Catalogue, ids: Mapping[str, int], stopping: asyncio.Event) -> None:
        if not self._setup.worker.rollups:
            return
        kafka, worker, names = self._setup.kafka, self._setup.worker, self._names
        with Registry(self._setup.registry) as registry:

            async def make() -> faust.App:
                setup = RollUpSetup(kafka, worker, names, catalogue, registry, ids)
                self._rollups = await rollup_app(setup)
                return self._rollups

            await keep_rolling(make, stopping)

    async def _measure_lag(self) -> None:
        meter = LagMeter(self._setup.kafka, self._setup.worker.group_id)
        await keep_measuring(meter, self._positions, LagGauges(self._names).show)

    def _positions(self) -> Positions:
        raw = self._source.positions() if self._source else {}
        return raw | (self._rollups.positions() if self._rollups else {})

    async def _watch(self, feed: RawFeed, stopping: asyncio.Event) -> None:
        """Until the stop. Raises what ended the feed, and Evicted where its threads are stuck."""
        asked = asyncio.ensure_future(stopping.wait())
        while not asked.done():
            await asyncio.wait((asked, feed.ended), timeout=1, return_when=asyncio.FIRST_COMPLETED)
            if feed.ended.done():
                asked.cancel()
                feed.ended.result()
            if time.monotonic() - self._patience.last_sign > STUCK_SECONDS:
                asked.cancel()
                feed.give_up()
                self._patience.note_trouble()
                raise Evicted(f"a call to Kafka has not returned for {STUCK_SECONDS:.0f} s")

    def _stop(self, stopping: asyncio.Event) -> None:
        log.info("stopping after the batch in flight")
        self._patience.stop()
        stopping.set()

    def _is_live(self) -> bool:
        return time.monotonic() - self._patience.last_sign < LIVE_SECONDS

    def _is_ready(self) -> bool:
        return self._source is not None and self._source.assigned and not self._limit.reached


async def _stop(app: faust.App) -> None:
    try:
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning("not everything stopped within %.0f s; Kafka settles the rest", STOP_SECONDS)
