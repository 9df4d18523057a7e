"""Decides whether a signed body is Canvas's, and ours: RS256 alone, fixed here and not by the token."""

import json
import string
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import orjson
import pybase64
from jwt.algorithms import RSAAlgorithm

from bridge.ingress.base import Refused
from bridge.ingress.public_key import ALGORITHM, PublicKey

LEEWAY_SECONDS: Final = 60
MAX_HEADER_CHARACTERS: Final = 4096  # Canvas's header has about a hundred
MAX_KNOWN_HEADERS: Final = 16
CANVAS: Final = "com.instructure.canvas"

_BASE64URL: Final = f"{string.ascii_letters}{string.digits}-_".encode()
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


class Keys(Protocol):
    """Where public keys come from."""

    async def key(self, kid: str) -> PublicKey:
        """The key of that id. Raises Refused (unknown_key, keys_unavailable)."""


class Token(NamedTuple):
    """A compact JWS (RFC 7515): its header as it came, base64url, and what was signed; the rest decoded."""

    header: bytes
    payload: bytes
    signature: bytes
    signed: bytes


class Verified(NamedTuple):
    """A token that holds: its payload as Canvas wrote it, what that holds (None: no JSON), and the key."""

    payload: bytes
    document: Any
    key: PublicKey


def token_in(body: bytes) -> Token | None:
    """The token that is the whole body, bare or as a JSON string; None where the body is anything else."""
    token = _unquote(body.strip())
    # What pybase64 would take for base64url too.
    if b"/" in token or b"+" in token or b"=" in token:
        return None
    signed, _, signature = token.rpartition(b".")
    header, dot, payload = signed.partition(b".")
    if not dot or not header or header.translate(None, _BASE64URL):
        return None
    try:
        # The signature may be empty, so that `alg: none` is refused by its name.
        return Token(header, _decode(payload), _decode(signature), signed)
    except ValueError:
        return None


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
        self._known_headers: dict[bytes, str] = {}

    async def verify(self, token: Token | None) -> Verified:
        """Raises Refused with the reason why the token does not hold."""
        if token is None:
            raise Refused("not_a_token")
        kid = self._known_headers.get(token.header) or _key_id(token.header)
        key = await self._keys.key(kid)
        if not _RS256.verify(token.signed, key.rsa, token.signature):
            raise Refused("signature")
        self._remember(token.header, kid)
        document = _document(token.payload)
        if isinstance(document, dict):
            self._check_claims(document)
        return Verified(token.payload, document, key)

    def _remember(self, header: bytes, kid: str) -> None:
        # Canvas writes the same header for every event of a key. Only what was signed is remembered.
        if header not in self._known_headers:
            if len(self._known_headers) >= MAX_KNOWN_HEADERS:
                self._known_headers.clear()
            self._known_headers[header] = kid

    def _check_claims(self, claims: dict[str, Any]) -> None:
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


def _document(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None  # Canvas signed it: it goes on, and can become nothing but a dead letter


def _unquote(body: bytes) -> bytes:
    if len(body) >= 2 and body[:1] == body[-1:] == b'"':
        return body[1:-1]
    return body


def _decode(segment: bytes) -> bytes:
    return pybase64.b64decode(segment + b"=" * (-len(segment) % 4), b"-_", validate=True)


def _key_id(header: bytes) -> str:
    if len(header) > MAX_HEADER_CHARACTERS:
        raise Refused("header")
    try:
        content = _decode(header)
        fields = orjson.loads(content)
    except ValueError:
        raise Refused("not_a_token") from None
    if not isinstance(fields, dict):
        raise Refused("not_a_token")
    if fields.get("alg") != ALGORITHM:
        raise Refused("algorithm")
    kid = fields.get("kid")
    # `crit` names extensions that must be understood: none is. A key in the token (jwk, jku, x5c, x5u)
    # counts for nothing.
    if not isinstance(kid, str) or "crit" in fields or _has_doubles(content):
        raise Refused("header")
    return kid


def _has_doubles(content: bytes) -> bool:
    """Whether a name comes twice in an object: two readers may then read two things (RFC 7515, 4)."""
    doubled: list[bool] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        doubled.append(len(dict(pairs)) < len(pairs))

    try:
        json.loads(content, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return True
    return any(doubled)


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
