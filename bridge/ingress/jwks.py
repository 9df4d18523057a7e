"""Canvas's public keys: fetched, kept, refreshed in the background, never lost to a failed fetch."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from bridge.ingress.backoff import Backoff
from bridge.ingress.base import Refused
from bridge.ingress.public_key import PublicKey
from bridge.metrics import JWKS_FETCHES, JWKS_KEYS
from bridge.rate_limit import RateLimit

REFRESH_SECONDS: Final = 3600
COOL_DOWN_SECONDS: Final = 60  # an unknown kid costs at most one fetch in that time, whoever sends it
FETCH_SECONDS: Final = 5
MAX_BYTES: Final = 64 * 1024
MIN_KEY_BITS: Final = 2048

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class KeySet:
    """The keys of one JWKS URL. Use as a context: keys are refreshed while it is open.

    Canvas publishes the previous, the current and the next key, so that an hourly refresh knows a key
    before it signs.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at = float("-inf")
        self._reached = False
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # A proxy of the environment is for the world outside; plain http is loopback only.
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS), trust_env=self._url.startswith("https:")
        )
        for outcome in ("success", "failure"):
            JWKS_FETCHES.labels(outcome)  # at 0 from the start: else nobody sees the first
        self._refreshing = asyncio.create_task(self._refresh_forever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (self._refreshing, self._fetching):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self._session.close()

    @property
    def loaded(self) -> bool:
        """Whether there is any key at hand."""
        return bool(self._keys)

    async def key(self, kid: str) -> PublicKey:
        """The key of that id, fetched anew where it is unknown and the cool-down has passed.

        Raises Refused: `unknown_key` where Canvas publishes no such key, `keys_unavailable` where that
        cannot be told because the last fetch failed.
        """
        found = self._keys.get(kid)
        if found is None and self._may_have_appeared():
            await self._fetch()
            found = self._keys.get(kid)
        if found is None:
            raise Refused("unknown_key" if self._reached else "keys_unavailable")
        return found

    def _may_have_appeared(self) -> bool:
        # The negative cache, for every kid there is at the cost of one number: what the last fetch did not
        # bring is known to be absent until the cool-down has passed, and refused without waiting.
        return self._fetching is not None or self._clock() - self._fetched_at >= COOL_DOWN_SECONDS

    async def _refresh_forever(self) -> None:
        backoff = Backoff(first=1, most=60)
        while True:
            await self._fetch()
            if self._reached:
                backoff.reset()
            await asyncio.sleep(REFRESH_SECONDS if self._reached else backoff.next())

    async def _fetch(self) -> None:
        """Fetches the keys, or waits for the fetch that is under way: there is never more than one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_now())
        await asyncio.shield(self._fetching)

    async def _fetch_now(self) -> None:
        self._fetched_at = self._clock()
        try:
            keys = parse_keys(await self._get())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._reached = False
            JWKS_FETCHES.labels("failure").inc()
            log.warning(
                "no keys from %s (%s): going on with the %d at hand",
                self._url,
                error or type(error).__name__,
                len(self._keys),
            )
        else:
            self._keys, self._reached = keys, True
            JWKS_FETCHES.labels("success").inc()
            JWKS_KEYS.set(len(keys))
        finally:
            self._fetching = None

    async def _get(self) -> bytes:
        async with self._session.get(self._url, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"HTTP status {response.status}, expected 200")
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES} bytes")
            return bytes(content)


def parse_keys(content: bytes) -> dict[str, PublicKey]:
    """The usable keys of a JWKS (RFC 7517), by kid. Raises ValueError where there is none."""
    document = orjson.loads(content)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS: there is no list `keys`")
    keys = dict(_usable(entries))
    if not keys:
        raise ValueError(f"no RSA signing key of {MIN_KEY_BITS} bits or more among {len(entries)}")
    return keys


def _usable(entries: list[Any]) -> Iterator[tuple[str, PublicKey]]:
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str) or entry.get("alg", "RS256") != "RS256":
            continue
        with suppress(PyJWTError, ValueError, TypeError, LookupError):
            key = RSAAlgorithm.from_jwk(entry)
            if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS:
                yield kid, PublicKey.of(kid, key)
