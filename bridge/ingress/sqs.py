"""The SQS door: long polls, and a message is deleted only after Kafka has confirmed its event."""

import asyncio
import logging
from typing import Any

import click

from bridge.command_line import read_settings, settings_options
from bridge.door_settings import RedactSettings, SqsSettings
from bridge.ingress.base import DoorName
from bridge.ingress.process import run_door
from bridge.ingress.receiver import MAX_MESSAGE_BYTES, Receiver
from bridge.ingress.sqs_queue import BATCH, Queue
from bridge.metrics import RECEIVED, REFUSED, SQS_ERRORS, STORED
from bridge.relay import Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings

log = logging.getLogger(__name__)


class Sqs:
    """Receives from one queue with several long polls at a time."""

    name: DoorName = "sqs"

    def __init__(self, settings: SqsSettings) -> None:
        self._settings = settings
        self._receivers: list[Receiver] = []
        self._open = False
        for counter in (RECEIVED, STORED):
            counter.labels(self.name)
        for reason in ("not_stored", "unacceptable", "internal"):
            REFUSED.labels(self.name, reason)
        for call in ("receive", "delete", "extend"):
            SQS_ERRORS.labels(call)

    @property
    def max_in_flight_bytes(self) -> int:
        """The receivers bound it by themselves: one batch each."""
        return self._settings.receivers * BATCH * MAX_MESSAGE_BYTES

    def live(self) -> bool:
        """Whether every receiver makes progress."""
        return all(receiver.alive() for receiver in self._receivers)

    def ready(self) -> bool:
        """Whether it receives."""
        return self._open

    async def serve(self, relay: Relay, stopping: asyncio.Event) -> None:
        """Receives until `stopping`, then finishes what is in hand. Raises DoorBroken."""
        async with Queue(self._settings) as queue:
            self._receivers = [
                Receiver(queue, self._settings, relay) for _ in range(self._settings.receivers)
            ]
            log.info("receiving from %s, %d at a time", self._settings.queue_url, len(self._receivers))
            self._open = True
            stopping_said = asyncio.create_task(self._say_when(stopping))
            try:
                async with asyncio.TaskGroup() as tasks:
                    for receiver in self._receivers:
                        tasks.create_task(receiver.receive_until(stopping))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
            finally:
                self._open = False
                stopping_said.cancel()

    async def _say_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._open = False
        log.info("stopping: long polls end within %d s", self._settings.wait_seconds)


@click.command(
    "sqs",
    help="Receives Live Events from an SQS queue and deletes each once Kafka has confirmed it. "
    "Region and credentials come from AWS's own variables (AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, …).",
)
@settings_options(KafkaSettings, SqsSettings, RedactSettings, BridgeAdminSettings, LogSettings)
def command(**options: Any) -> None:
    """The console command."""
    door = Sqs(read_settings(SqsSettings, options))
    run_door(door, options)
