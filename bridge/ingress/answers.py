"""Every answer of the webhook, as one table: what Canvas is told, and what it means.

Bad content is not the sender's fault, for Canvas switches a subscription off after too many failures:
whatever is authentic and not too large is accepted, and explained later in the dead letter. 4xx is for
what is not Canvas's, 503 for what cannot be stored durably now (Canvas tries up to three times again).
There is no 500, and no body that tells a stranger more than its status.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from bridge.ingress.base import Refusal
from bridge.ingress.constant import Constant
from bridge.ingress.request import Request

RETRY_SECONDS: Final = 10

TurnedAway = Literal["large_head", "malformed", "slow_head", "too_many"]


class Answer:
    """A constant response. `meaning` is for the reader of the table."""

    def __init__(
        self, status: int, text: str, meaning: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.status = status
        self.text = text
        self.meaning = meaning
        self.headers = {"Server": "canvas-bridge", **headers}
        self._lasting = Constant(status, self.headers, f"{text}\n")
        self._last = Constant(status, {**self.headers, "Connection": "close"}, f"{text}\n")

    def response(self, request: Request) -> Constant:
        """What to send for the request."""
        return self._lasting if request.lasts else self._last

    def last_words(self) -> bytes:
        """The last bytes of a connection, where there is no request to answer."""
        return self._last.raw()


def _later(meaning: str) -> Answer:
    return Answer(503, "try again later", meaning, {"Retry-After": str(RETRY_SECONDS)})


def _stranger(meaning: str) -> Answer:
    return Answer(401, "not authenticated", meaning, {"WWW-Authenticate": "JWT"})


ACCEPTED: Final = Answer(202, "accepted", "Kafka has confirmed the record, or the spool has it on disk.")

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
    "secret": Answer(404, "not found", "A plain delivery without the secret, or with a wrong one."),
    "method": Answer(405, "method not allowed", "Not a POST.", {"Allow": "POST"}),
    "body_timeout": Answer(408, "body too slow", "The body did not arrive in time.", {"Connection": "close"}),
    "body_broken": Answer(400, "body broken off", "It broke off, or its transfer coding is malformed."),
    "too_large": Answer(413, "body too large", "More bytes than allowed, however they are sent."),
    "overloaded": _later("More bytes wait for Kafka than may."),
    "not_stored": _later("Kafka did not confirm the record."),
    "keys_unavailable": _later("The key is not at hand and Canvas's keys cannot be fetched."),
    "internal": _later("A fault of the bridge; its log says which."),
}

TURNED_AWAY: Final[dict[TurnedAway, Answer]] = {
    "large_head": Answer(431, "header too large", "The request's line and header fields are too many bytes."),
    "malformed": Answer(400, "bad request", "No HTTP, or one that two readers could read in two ways."),
    "slow_head": Answer(408, "header too slow", "The header did not arrive in time."),
    "too_many": _later("More connections are open than may."),
}
