"""Runs one door as a process: settings, logs, Kafka, metrics and probes, and a clean stop."""

import asyncio
import gc
import logging
import signal
from contextlib import AsyncExitStack
from typing import Any, Final

import click
import uvloop
from confluent_kafka import KafkaException

from bridge.command_line import read_settings
from bridge.door_settings import RedactSettings, SpoolSettings
from bridge.ingress.base import Door, DoorBroken
from bridge.ingress.traced import traced_publishing
from bridge.kafka import Publisher
from bridge.redact import SecretNames
from bridge.relay import Publishing, Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings
from bridge.spool.directory import SpoolUnusable
from bridge.spool.spool import Spool
from bridge.spool.spooling import Spooling
from bridge.status import STATUS
from bridge.telemetry import AdminServer, Check, configure_logging
from bridge.tracing import TRACING, TracingUnusable

# Objects more than there were. Those of the requests in hand are some thousands, and are no garbage.
COLLECT_AFTER: Final = 50_000

log = logging.getLogger(__name__)


def run_door(door: Door, options: dict[str, Any], spool: SpoolSettings | None = None) -> None:
    """Serves until SIGTERM or SIGINT; a second signal ends the process at once.

    `spool`: for a door whose sender does not keep what is refused. Raises click.ClickException (exit status
    1) where the door or Kafka's producer is broken for good, or the spool cannot be used.
    """
    kafka, admin = read_settings(KafkaSettings, options), read_settings(BridgeAdminSettings, options)
    names = SecretNames(read_settings(RedactSettings, options).query_keys)
    configure_logging(read_settings(LogSettings, options))
    try:
        with (
            TRACING.on(f"canvas-bridge-{door.name}"),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_serve(door, kafka, admin, spool, names))
    except KafkaException as error:
        raise click.ClickException(f"Kafka's producer refuses its settings (KAFKA_*): {error}") from None
    except (DoorBroken, SpoolUnusable, TracingUnusable) as error:
        raise click.ClickException(str(error)) from None


async def _serve(
    door: Door,
    kafka: KafkaSettings,
    admin: BridgeAdminSettings,
    spool: SpoolSettings | None,
    names: SecretNames,
) -> None:
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    ready = [door.ready]
    server = _admin_server(admin, door.live, lambda: all(check() for check in ready))
    STATUS.tell("door", lambda: {"name": door.name, "live": door.live(), "ready": all(c() for c in ready)})
    try:
        async with AsyncExitStack() as stack:
            publisher = await stack.enter_async_context(Publisher(kafka, on_broken=stopping.set))
            STATUS.tell("kafka", publisher.report)
            topic = f"{kafka.topic_prefix}raw"
            storing: Publishing = publisher
            if spool and spool.directory:
                spooling = Spooling(publisher, topic, Spool(spool.directory, spool), spool)
                storing = await stack.enter_async_context(spooling)
                ready.append(spooling.ready)
            storing = traced_publishing(storing)
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look through it under load
            gc.set_threshold(COLLECT_AFTER)
            await door.serve(Relay(storing, topic, door.max_in_flight_bytes, names), stopping)
        if publisher.broken:
            raise DoorBroken(f"Kafka's producer is broken for good ({publisher.broken}): start again.")
    finally:
        server.close()
    log.info("stopped")


def _admin_server(admin: BridgeAdminSettings, live: Check, ready: Check) -> AdminServer:
    try:
        return AdminServer(admin.host, admin.port, live, ready)
    except OSError as error:
        raise DoorBroken(
            f"cannot listen on {admin.host}:{admin.port}: {error.strerror}. "
            "Set BRIDGE_ADMIN__HOST and BRIDGE_ADMIN__PORT, or end what holds the port."
        ) from error


def _stop_on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stopping.set()

    for number in signals:
        loop.add_signal_handler(number, stop)
