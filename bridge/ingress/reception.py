"""What the webhook does with one request: read, authenticate, store, answer."""

import logging
import time
from functools import lru_cache
from typing import Final

from aiohttp import web

from bridge.contract import SIGNATURE_VERIFIED_AT, Headers, iso_time
from bridge.delivery_budget import DeliveryBudget
from bridge.door_settings import WebhookSettings
from bridge.ingress.answers import ACCEPTED, REFUSALS
from bridge.ingress.base import Delivery, Refusal, Refused, now
from bridge.ingress.body import read_body
from bridge.ingress.entrance import Entrance
from bridge.ingress.public_key import PublicKey
from bridge.ingress.request import Request
from bridge.ingress.traced import note_refusal
from bridge.ingress.verification import Verifier, token_in
from bridge.kafka import NotStored
from bridge.metrics import RECEIVED, REFUSED
from bridge.rate_limit import RateLimit
from bridge.relay import Relay, Room
from bridge.telemetry import where_raised

DOOR: Final = "webhook"

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Reception:
    """Answers requests by the table in `answers`.

    Without a verifier every body is taken as it is. With one a token is verified, and what is no token is
    taken only where both are accepted.
    """

    def __init__(
        self, relay: Relay, settings: WebhookSettings, verifier: Verifier | None, budget: DeliveryBudget
    ) -> None:
        self._relay = relay
        self._budget = budget
        self._settings = settings
        self._entrance = Entrance(settings)
        self._verifier = verifier
        self._received = RECEIVED.labels(DOOR)

    async def answer(self, request: Request) -> web.StreamResponse:
        """202 once the event is stored, else the answer of the reason why not. Raises nothing."""
        self._received.inc()
        began, reason = time.monotonic(), None
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
        finally:
            answer = REFUSALS[reason] if reason else ACCEPTED
            self._budget.count(answer.status, reason, time.monotonic() - began)
        REFUSED.labels(DOOR, reason).inc()
        note_refusal(reason)
        return answer.response(request)

    async def _take(self, request: Request, room: Room) -> web.StreamResponse:
        trusted = self._entrance.admits(request)
        if not trusted and self._verifier is None:
            raise Refused("secret")
        body = await read_body(request, self._settings.max_body_bytes, room)
        return await self._relay.take(await self._delivery(body, trusted), lambda: ACCEPTED.response(request))

    async def _delivery(self, body: bytes, trusted: bool) -> Delivery:  # noqa: FBT001 - of one request
        received_at = now()
        if self._verifier is None:
            return Delivery(DOOR, body, received_at)
        token = token_in(body)
        if token is None and self._settings.accept == "both":
            if not trusted:
                raise Refused("secret")
            return Delivery(DOOR, body, received_at)
        verified = await self._verifier.verify(token)
        provenance = _provenance(verified.key, now())
        return Delivery(
            DOOR, verified.payload, received_at, provenance=provenance, document=verified.document
        )


@lru_cache(maxsize=16)
def _provenance(key: PublicKey, verified_at: int) -> Headers:
    # Under load a few deliveries are of one millisecond.
    return (*key.headers, (SIGNATURE_VERIFIED_AT, iso_time(verified_at).encode()))


def _fault(error: Exception) -> Refusal:
    where = where_raised(error)
    log.error("fault in the webhook, Canvas is asked to send again: %s\n%s", type(error).__name__, where)
    return "internal"
