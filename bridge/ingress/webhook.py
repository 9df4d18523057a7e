"""The HTTPS door: one POST is one event, answered after Kafka has confirmed it."""

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any, Final

import click
from aiohttp import web

from bridge.command_line import read_settings, settings_options
from bridge.ingress.answers import REFUSALS
from bridge.ingress.base import DoorBroken, DoorName
from bridge.ingress.jwks import KeySet
from bridge.ingress.process import run_door
from bridge.ingress.pulse import Pulse
from bridge.ingress.reception import Reception
from bridge.ingress.verification import Verifier
from bridge.metrics import RECEIVED, REFUSED, STORED
from bridge.relay import Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings, WebhookSettings

STUCK_SECONDS: Final = 30.0
FINISH_SECONDS: Final = 20.0  # to answer what is in hand: longer than Kafka may take to confirm
LINGER_SECONDS: Final = 2.0  # for the rest of a body already refused, so that the sender reads why

log = logging.getLogger(__name__)
# What is no HTTP at all ends in aiohttp's own 400; the line it would log quotes what was sent.
logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


class Webhook:
    """Listens for Canvas's deliveries, signed (a JWT as the whole body) or plain."""

    name: DoorName = "webhook"

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._pulse = Pulse(STUCK_SECONDS)
        self._keys: KeySet | None = None
        self._open = False
        self.port = settings.port
        for counter in (RECEIVED, STORED):
            counter.labels(self.name)
        for reason in REFUSALS:
            REFUSED.labels(self.name, reason)

    @property
    def max_in_flight_bytes(self) -> int:
        """Bytes of bodies in memory, read or being read."""
        return self._settings.max_in_flight_bytes

    def live(self) -> bool:
        """Whether the event loop turns."""
        return self._pulse.alive()

    def ready(self) -> bool:
        """Whether it listens, and in signed mode has keys."""
        return self._open and (self._keys is None or self._keys.loaded)

    async def serve(self, relay: Relay, stopping: asyncio.Event) -> None:
        """Listens until `stopping`, then answers what is in hand. Raises DoorBroken."""
        warn(self._settings)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._pulse.beating())
            reception = Reception(relay, self._settings, await self._verifier(stack))
            server = web.Server(reception.answer, access_log=None, lingering_time=LINGER_SECONDS)
            runner = web.ServerRunner(server, shutdown_timeout=FINISH_SECONDS)
            stack.push_async_callback(runner.cleanup)
            await self._listen(runner)
            self._open = True
            await stopping.wait()
            self._open = False
            log.info("stopping: answering what is in hand")

    async def _verifier(self, stack: AsyncExitStack) -> Verifier | None:
        if self._settings.accept == "plain":
            return None
        self._keys = await stack.enter_async_context(KeySet(self._settings.jwks_url))
        return Verifier(self._keys, self._settings.issuer, self._settings.root_account_uuids)

    async def _listen(self, runner: web.ServerRunner) -> None:
        host, port = self._settings.host, self._settings.port
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise DoorBroken(
                f"cannot listen on {host}:{port}: {error.strerror}. "
                "Set BRIDGE_WEBHOOK__HOST and BRIDGE_WEBHOOK__PORT, or end what holds the port."
            ) from error
        self.port = runner.addresses[0][1]
        mode, path = self._settings.accept, self._settings.path
        log.info("listening on http://%s:%d%s for %s deliveries", host, self.port, path, mode)


def warn(settings: WebhookSettings) -> None:
    """Says at the start what the settings leave open."""
    if settings.accept == "plain":
        log.warning(
            "BRIDGE_WEBHOOK__ACCEPT=plain: nothing is authenticated, whoever reaches %s:%d can write events. "
            "Let only Canvas reach it, or have Canvas sign and set signed.",
            settings.host,
            settings.port,
        )
    elif not settings.root_account_uuids:
        log.warning(
            "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS is empty: every Canvas customer signs with the same keys, "
            "so any of them can post to you. List your root accounts."
        )


@click.command(
    "webhook",
    help="Takes Live Events over HTTP and answers 202 once Kafka has confirmed them. "
    "TLS ends before it, at your load balancer or ingress.",
)
@settings_options(KafkaSettings, WebhookSettings, BridgeAdminSettings, LogSettings)
def command(**options: Any) -> None:
    """The console command."""
    door = Webhook(read_settings(WebhookSettings, options))
    run_door(door, options)
