"""Decides whether a signed body is Canvas's, and ours: RS256 alone, fixed here and not by the token."""

import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from bridge.ingress.base import Refused

ALGORITHM: Final = "RS256"
LEEWAY_SECONDS: Final = 60
CANVAS: Final = "com.instructure.canvas"

# A compact JWS (RFC 7515). The signature may be empty here so that `alg: none` is refused by its name.
_TOKEN = re.compile(rb"([\w-]+)\.([\w-]*)\.([\w-]*)", re.ASCII)
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


class Keys(Protocol):
    """Where public keys come from."""

    async def key(self, kid: str) -> RSAPublicKey:
        """The key of that id. Raises Refused (unknown_key, keys_unavailable)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that holds: its payload as Canvas wrote it, and the id of the key that signed it."""

    payload: bytes
    kid: str


class Verifier:
    """Verifies signed bodies.

    `issuer`: required `iss`; empty or None, any. `root_accounts`: the only root_account_uuids an event may
    name; empty, any.
    """

    def __init__(
        self,
        keys: Keys,
        issuer: str | None,
        root_accounts: frozenset[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._root_accounts = root_accounts
        self._clock = clock

    async def verify(self, body: bytes) -> Verified:
        """The token that is the whole body, bare or as a JSON string. Raises Refused with the reason."""
        token = _unquote(body.strip())
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise Refused("not_a_token")
        kid = _key_id(_decode(parts[1]))
        key = await self._keys.key(kid)
        signed = token[: parts.end(2)]
        if not _RS256.verify(signed, key, _decode(parts[3])):
            raise Refused("signature")
        payload = _decode(parts[2])
        self._check_claims(payload)
        return Verified(payload, kid)

    def _check_claims(self, payload: bytes) -> None:
        try:
            claims = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return  # Canvas signed it: it goes on, and can become nothing but a dead letter
        if not isinstance(claims, dict):
            return  # likewise
        self._check_time(claims)
        if self._issuer and claims.get("iss") != self._issuer:
            raise Refused("issuer")
        if self._root_accounts:
            self._check_root_accounts(claims)

    def _check_time(self, claims: dict[str, Any]) -> None:
        # Canvas does not promise these claims, so they are required of nobody.
        now = self._clock()
        if "exp" in claims and not _number(claims["exp"]) > now - LEEWAY_SECONDS:
            raise Refused("expired")
        for name in ("iat", "nbf"):
            if name in claims and not _number(claims[name]) <= now + LEEWAY_SECONDS:
                raise Refused("not_yet_valid")

    def _check_root_accounts(self, claims: dict[str, Any]) -> None:
        # An event that names none (broken, or Caliper without an actor) is as likely ours: it goes on.
        if not self._root_accounts.issuperset(_root_accounts(claims)):
            raise Refused("root_account")


def _unquote(body: bytes) -> bytes:
    if len(body) >= 2 and body[:1] == body[-1:] == b'"':
        return body[1:-1]
    return body


def _decode(segment: bytes) -> bytes:
    try:
        return urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise Refused("not_a_token") from None


def _key_id(header: bytes) -> str:
    try:
        fields = orjson.loads(header)
    except orjson.JSONDecodeError:
        raise Refused("not_a_token") from None
    if not isinstance(fields, dict):
        raise Refused("not_a_token")
    if fields.get("alg") != ALGORITHM:
        raise Refused("algorithm")
    kid = fields.get("kid")
    # `crit` names extensions that must be understood: none is. A key in the token (jwk) counts for nothing.
    if not isinstance(kid, str) or "crit" in fields:
        raise Refused("header")
    return kid


def _number(value: Any) -> float:
    # NaN compares false with everything, so a claim that is no number is refused.
    return value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _root_accounts(claims: dict[str, Any]) -> Iterator[str]:
    """Every root_account_uuid that the events name, in either format."""
    for name in ("metadata", "attributes"):
        yield from _texts(claims.get(name), "root_account_uuid")
    events = claims.get("data")
    for event in events if isinstance(events, list) else []:
        yield from _texts(event, "actor", "extensions", CANVAS, "root_account_uuid")
        yield from _texts(event, "extensions", CANVAS, "root_account_uuid")


def _texts(value: Any, *path: str) -> Iterator[str]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield value
