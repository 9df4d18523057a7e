"""What the webhook does with one request: read, authenticate, store, answer."""

import logging
import traceback
from typing import Final

from aiohttp import web

from bridge.contract import SIGNATURE_ALG, SIGNATURE_KID
from bridge.ingress.answers import ACCEPTED, REFUSALS
from bridge.ingress.base import Delivery, Refusal, Refused, now
from bridge.ingress.body import read_body
from bridge.ingress.verification import ALGORITHM, Verifier
from bridge.kafka import NotStored
from bridge.metrics import RECEIVED, REFUSED
from bridge.rate_limit import RateLimit
from bridge.relay import Relay, Room
from bridge.settings import WebhookSettings

DOOR: Final = "webhook"

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Reception:
    """Answers requests by the table in `answers`. Without a verifier every body is taken as it is."""

    def __init__(self, relay: Relay, settings: WebhookSettings, verifier: Verifier | None) -> None:
        self._relay = relay
        self._settings = settings
        self._verifier = verifier

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """202 once the event is stored, else the answer of the reason why not. Raises nothing."""
        RECEIVED.labels(DOOR).inc()
        try:
            with self._relay.room() as room:
                return await self._take(request, room)
        except Refused as refused:
            reason = refused.reason
        except NotStored as error:
            reason = "not_stored"
            log.warning("Kafka did not confirm a record, Canvas is asked to send it again: %s", error)
        except Exception as error:  # a 500 would tell Canvas nothing, and a stranger too much
            reason = _fault(error)
        REFUSED.labels(DOOR, reason).inc()
        return REFUSALS[reason].response()

    async def _take(self, request: web.BaseRequest, room: Room) -> web.Response:
        if request.path != self._settings.path:
            raise Refused("path")
        if request.method != "POST":
            raise Refused("method")
        body = await read_body(request, self._settings.max_body_bytes, room)
        return await self._relay.take(await self._delivery(body), ACCEPTED.response)

    async def _delivery(self, body: bytes) -> Delivery:
        received_at = now()
        if self._verifier is None:
            return Delivery(DOOR, body, received_at)
        token = await self._verifier.verify(body)
        return Delivery(
            DOOR, token.payload, received_at, {SIGNATURE_KID: token.kid, SIGNATURE_ALG: ALGORITHM}
        )


def _fault(error: Exception) -> Refusal:
    # The message of an exception may quote the payload; where it was raised does not.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("fault in the webhook, Canvas is asked to send again: %s\n%s", type(error).__name__, where)
    return "internal"
