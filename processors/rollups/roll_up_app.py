"""The Faust app of the rollups: its settings, and starting it again whenever it crashes.

Its consumer group is its own (`<group>-rollups`), with static membership and short timeouts: with Faust's
defaults a restarted worker waits a minute for its dead predecessor.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import faust
from confluent_kafka.admin import AdminClient

from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors import metrics
from processors.rollups.faust_kafka import ConfirmedTable, broker_urls, credentials
from processors.rollups.trouble import TopicsDiffer, told
from processors.settings import WorkerSettings
from processors.worker.client_logs import LIBRDKAFKA

log = logging.getLogger(__name__)

METADATA_SECONDS = 30.0
STOP_SECONDS = 30.0
SOUND_SECONDS = 60.0  # an app that ran for so long was no failed start


def app_settings(kafka: KafkaSettings, worker: WorkerSettings, partitions: int) -> Mapping[str, Any]:
    """What the app is told. Everything Faust would otherwise take from the environment or its defaults."""
    session = worker.session_timeout_seconds
    return {
        "id": f"{worker.group_id}-rollups",
        "env": {},  # else BROKER_URL, APP_DATADIR and the like in the environment override what stands here
        "broker": broker_urls(kafka),
        "broker_credentials": credentials(kafka),
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / 3,
        "broker_rebalance_timeout": session,
        "broker_request_timeout": max(40.0, session + 1),
        "consumer_group_instance_id": worker.instance_id,
        "consumer_auto_offset_reset": "earliest",
        "producer_acks": -1,
        "store": "memory://",
        "datadir": worker.data_dir,
        "stream_wait_empty": True,  # a record in work is finished before its partition goes to somebody else
        "topic_partitions": partitions,
        "topic_allow_declare": False,  # `canvas-processors topics create` does it
        "topic_disable_leader": True,
        "web_enabled": False,
        "autodiscover": False,
        "Table": ConfirmedTable,
    }


def common_partitions(kafka: KafkaSettings, topics: Sequence[str]) -> int:
    """How many partitions each of these topics has. Blocking.

    Raises TopicsDiffer where one is missing or has another number, KafkaException where Kafka is away.
    """
    admin = AdminClient(client_config(kafka), logger=LIBRDKAFKA)
    counts = {name: len(admin.list_topics(name, METADATA_SECONDS).topics[name].partitions) for name in topics}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        found = ", ".join(f"{name} {count or 'missing'}" for name, count in counts.items())
        raise TopicsDiffer(
            f"these topics must exist with the same number of partitions: {found}. "
            "Run `canvas-processors topics create`; stop the workers to repartition."
        )
    return counts[topics[0]]


async def keep_rolling(make: Callable[[], Awaitable[faust.App]], stopping: asyncio.Event) -> None:
    """Runs the app, and a new one whenever it crashes or cannot be made, until the stop."""
    attempt = 0
    while not stopping.is_set():
        begun = time.monotonic()
        error = await _failure_of(_run(make, stopping))
        if error is not None:
            log.warning("the rollups stopped and start again: %s", told(error))
            metrics.ROLLUP_RESTARTS.inc()
            attempt = 0 if time.monotonic() - begun > SOUND_SECONDS else attempt + 1
            longest = min(30.0, 2.0**attempt)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), longest * random.uniform(0.5, 1))  # noqa: S311 - jitter


async def _failure_of(work: Awaitable[None]) -> BaseException | None:
    """What it failed with. What Faust's own threads cancel fails too, and is no order to us to end."""
    (failure,) = await asyncio.gather(work, return_exceptions=True)
    return failure


async def _run(make: Callable[[], Awaitable[faust.App]], stopping: asyncio.Event) -> None:
    """Until the stop. Raises what crashed the app, or why it cannot be made."""
    app = await make()
    tasks = [asyncio.ensure_future(item) for item in (app.start(), app.wait_until_stopped(), stopping.wait())]
    starting, ended, asked = tasks
    try:
        await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        if app.crash_reason is not None:
            raise app.crash_reason
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _stop(app)


async def _stop(app: faust.App) -> None:
    error = await _failure_of(asyncio.wait_for(app.stop(), STOP_SECONDS))
    if error is not None:
        log.warning("the rollups did not stop cleanly: %s", told(error))
