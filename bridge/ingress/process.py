"""Runs one door as a process: settings, logs, Kafka, metrics and probes, and a clean stop."""

import asyncio
import logging
import signal
from typing import Any

import click
from confluent_kafka import KafkaException

from bridge.command_line import read_settings
from bridge.ingress.base import Door, DoorBroken
from bridge.kafka import Publisher
from bridge.relay import Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings
from bridge.telemetry import AdminServer, configure_logging

log = logging.getLogger(__name__)


def run_door(door: Door, options: dict[str, Any]) -> None:
    """Serves until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises click.ClickException (exit status 1) where the door or Kafka's producer is broken for good.
    """
    kafka, admin = read_settings(KafkaSettings, options), read_settings(BridgeAdminSettings, options)
    configure_logging(read_settings(LogSettings, options))
    try:
        asyncio.run(_serve(door, kafka, admin))
    except KafkaException as error:
        raise click.ClickException(f"Kafka's producer refuses its settings (KAFKA_*): {error}") from None
    except DoorBroken as error:
        raise click.ClickException(str(error)) from None


async def _serve(door: Door, kafka: KafkaSettings, admin: BridgeAdminSettings) -> None:
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    server = _admin_server(door, admin)
    try:
        async with Publisher(kafka, on_broken=stopping.set) as publisher:
            relay = Relay(publisher, f"{kafka.topic_prefix}raw", door.max_in_flight_bytes)
            await door.serve(relay, stopping)
        if publisher.broken:
            raise DoorBroken(f"Kafka's producer is broken for good ({publisher.broken}): start again.")
    finally:
        server.close()
    log.info("stopped")


def _admin_server(door: Door, admin: BridgeAdminSettings) -> AdminServer:
    try:
        return AdminServer(admin.host, admin.port, door.live, door.ready)
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
