"""Every answer of the webhook, as one table: what Canvas is told, and what it means.

Bad content is not the sender's fault, for Canvas switches a subscription off after too many failures:
whatever is authentic and not too large is accepted, and explained later in the dead letter. 4xx is for
what is not Canvas's, 503 for what cannot be stored durably now (Canvas tries up to three times again).
There is no 500, and no body that tells a stranger more than its status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bridge.ingress.base import Refusal

RETRY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A constant response. `meaning` is for the reader of the table."""

    status: int
    text: str
    meaning: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """A fresh response: aiohttp sends each only once."""
        headers = {"Server": "canvas-bridge", **self.headers}
        return web.Response(status=self.status, text=f"{self.text}\n", headers=headers)


def _later(meaning: str) -> Answer:
    return Answer(503, "try again later", meaning, {"Retry-After": str(RETRY_SECONDS)})


def _stranger(meaning: str) -> Answer:
    return Answer(401, "not authenticated", meaning, {"WWW-Authenticate": "JWT"})


ACCEPTED: Final = Answer(202, "accepted", "Kafka has confirmed the record.")

REFUSALS: Final[dict[Refusal, Answer]] = {
    "not_a_token": _stranger("The body is not a JWT, bare or as a JSON string."),
    "algorithm": _stranger("The token's `alg` is not RS256; `none` and HS256 among others."),
    "header": _stranger("The token has no `kid`, or a `crit` extension."),
    "unknown_key": _stranger("Canvas publishes no key of that `kid`."),
    "signature": _stranger("The signature does not fit the key."),
    "expired": _stranger("`exp` is past, or not a number."),
    "not_yet_valid": _stranger("`iat` or `nbf` is to come, or not a number."),
    "issuer": _stranger("`iss` is not the configured issuer."),
    "root_account": _stranger("The event is of a root account that is not on the list."),
    "path": Answer(404, "not found", "Not the configured path."),
    "method": Answer(405, "method not allowed", "Not a POST.", {"Allow": "POST"}),
    "body_timeout": Answer(408, "body too slow", "The body did not arrive in time.", {"Connection": "close"}),
    "body_broken": Answer(400, "body broken off", "It broke off, or its transfer coding is malformed."),
    "too_large": Answer(413, "body too large", "More bytes than allowed, however they are sent."),
    "overloaded": _later("More bytes wait for Kafka than may."),
    "not_stored": _later("Kafka did not confirm the record."),
    "keys_unavailable": _later("The key is not at hand and Canvas's keys cannot be fetched."),
    "internal": _later("A fault of the bridge; its log says which."),
}
