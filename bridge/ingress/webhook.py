"""The HTTPS door: one POST is one event, answered after Kafka has confirmed it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import click
from aiohttp import web

from bridge.budget_file import BudgetFile
from bridge.command_line import read_settings, settings_options
from bridge.delivery_budget import DeliveryBudget
from bridge.door_settings import BridgeStateSettings, RedactSettings, SpoolSettings, WebhookSettings
from bridge.ingress.answers import REFUSALS
from bridge.ingress.base import DoorName
from bridge.ingress.certificate import Certificate
from bridge.ingress.connections import Bounds
from bridge.ingress.crowd import Crowd
from bridge.ingress.jwks import KeySet
from bridge.ingress.listener import Listener
from bridge.ingress.process import run_door
from bridge.ingress.pulse import Pulse
from bridge.ingress.reception import Reception
from bridge.ingress.traced import traced_requests
from bridge.ingress.verification import Verifier
from bridge.metrics import RECEIVED, REFUSED, STORED
from bridge.relay import Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings
from bridge.status import STATUS

STUCK_SECONDS: Final = 30.0
FINISH_SECONDS: Final = 20.0  # to answer what is in hand: longer than Kafka may take to confirm

log = logging.getLogger(__name__)
# What is no HTTP at all ends in a constant 400; the line aiohttp would log quotes what was sent.
logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


class Webhook:
    """Listens for Canvas's deliveries, signed (a JWT as the whole body) or plain."""

    name: DoorName = "webhook"

    def __init__(self, settings: WebhookSettings, state: BridgeStateSettings | None = None) -> None:
        """`state`: where the delivery budget is kept; None, nowhere."""
        self._settings = settings
        self._state = state.state_directory if state else None
        self._budget = DeliveryBudget()
        STATUS.tell("budget", self._budget.report)
        self._pulse = Pulse(STUCK_SECONDS)
        self._keys: KeySet | None = None
        self._crowd: Crowd | None = None
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
        """Whether it listens, and has keys where it takes signed deliveries."""
        return self._open and (self._keys is None or self._keys.loaded)

    async def serve(self, relay: Relay, stopping: asyncio.Event) -> None:
        """Listens until `stopping`, then answers what is in hand. Raises DoorBroken."""
        settings = self._settings
        warn(settings)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._pulse.beating())
            await stack.enter_async_context(BudgetFile(self._budget, self._state).kept())
            reception = Reception(relay, settings, await self._verifier(stack), self._budget)
            handler, bounds = traced_requests(reception.answer), Bounds(settings.keep_alive_seconds)
            self._crowd = Crowd(handler, bounds, self._budget)
            await stack.enter_async_context(_meanwhile(self._crowd.sweep_forever()))
            await _answering(stack, self._crowd)
            certificate = await _certificate(stack, settings)
            self.port = stack.enter_context(Listener(self._crowd, settings, certificate)).port
            self._open = True
            scheme = "https" if certificate else "http"
            where = f"{scheme}://{settings.host}:{self.port}{settings.path}"
            log.info("listening on %s for %s deliveries", where, settings.accept)
            await stopping.wait()
            self._open = False
            log.info("stopping: answering what is in hand")

    async def _verifier(self, stack: AsyncExitStack) -> Verifier | None:
        if self._settings.accept == "plain":
            return None
        self._keys = await stack.enter_async_context(KeySet(self._settings.jwks_url))
        return Verifier(self._keys, self._settings.issuer, self._settings.root_account_uuids)


async def _answering(stack: AsyncExitStack, crowd: Crowd) -> None:
    runner = web.ServerRunner(crowd, shutdown_timeout=FINISH_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)


async def _certificate(stack: AsyncExitStack, settings: WebhookSettings) -> Certificate | None:
    if not settings.tls_certificate or not settings.tls_key:
        return None
    certificate = Certificate(settings.tls_certificate, settings.tls_key)
    await stack.enter_async_context(_meanwhile(certificate.watch()))
    return certificate


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


def warn(settings: WebhookSettings) -> None:
    """Says at the start what the settings leave open."""
    secret = settings.secret or settings.secret_previous
    if settings.accept != "signed" and not secret:
        log.warning(
            "BRIDGE_WEBHOOK__ACCEPT=%s: nothing is authenticated, whoever reaches %s:%d can write events. "
            "Let only Canvas reach it, set BRIDGE_WEBHOOK__SECRET, or have Canvas sign and set signed.",
            settings.accept,
            settings.host,
            settings.port,
        )
    if settings.accept != "plain" and not settings.root_account_uuids:
        log.warning(
            "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS is empty: every Canvas customer signs with the same keys, "
            "so any of them can post to you. List your root accounts."
        )


@click.command(
    "webhook",
    help="Takes Live Events over HTTP and answers 202 once Kafka has confirmed them. TLS ends before it, at "
    "your load balancer or ingress, or with BRIDGE_WEBHOOK__TLS_CERTIFICATE in it.",
)
@settings_options(
    KafkaSettings,
    WebhookSettings,
    SpoolSettings,
    RedactSettings,
    BridgeStateSettings,
    BridgeAdminSettings,
    LogSettings,
)
def command(**options: Any) -> None:
    """The console command."""
    door = Webhook(read_settings(WebhookSettings, options), read_settings(BridgeStateSettings, options))
    run_door(door, options, read_settings(SpoolSettings, options))
