"""Canvas's public keys: which are used, when they are fetched, and that a failed fetch loses none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from bridge.ingress import jwks as module
from bridge.ingress.base import Refused
from bridge.ingress.jwks import COOL_DOWN_SECONDS, MAX_BYTES, KeySet, parse_keys
from tests.unit.doors import KID, JwksServer, jwk, jwks, rsa_key, serving_jwks, until

Scenario = Callable[[JwksServer, KeySet, "Clock"], Awaitable[None]]


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def run(scenario: Scenario, answer: tuple[int, bytes] | None = None) -> None:
    async def go() -> None:
        clock = Clock()
        async with serving_jwks() as server:
            if answer:
                server.answer = answer
            async with KeySet(server.url, clock) as keys:
                await until(lambda: server.requests > 0 and keys._fetching is None)
                await scenario(server, keys, clock)

    asyncio.run(go())


async def reason(keys: KeySet, kid: str) -> str:
    with pytest.raises(Refused) as refused:
        await keys.key(kid)
    return refused.value.reason


def test_keys_are_fetched_at_the_start_and_kept() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        assert keys.loaded
        for _ in range(3):
            assert (await keys.key(KID)).rsa == rsa_key("canvas").public_key()
        assert server.requests == 1

    run(scenario)


def test_an_unknown_kid_fetches_once_per_cool_down_whoever_asks() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        assert await reason(keys, "stranger") == "unknown_key"
        assert server.requests == 1
        clock.time += COOL_DOWN_SECONDS
        assert set(await asyncio.gather(*(reason(keys, f"stranger {n}") for n in range(20)))) == {
            "unknown_key"
        }
        assert server.requests == 2

    run(scenario)


def test_within_the_cool_down_an_unknown_kid_waits_for_nothing() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        for n in range(1000):
            asking = keys.key(f"stranger {n % 7}")
            with pytest.raises(Refused, match="unknown_key"):
                asking.send(None)  # it ends in its first step
        assert server.requests == 1

    run(scenario)


def test_who_asks_while_a_fetch_is_under_way_shares_it() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer = (200, jwks(jwk("canvas"), jwk("next", kid="next")))
        clock.time += COOL_DOWN_SECONDS
        server.open.clear()
        asking = [asyncio.create_task(keys.key("next")) for _ in range(20)]
        await until(lambda: server.requests == 2)
        clock.time += 1  # within the cool-down that the fetch has begun
        late = [asyncio.create_task(keys.key("next")) for _ in range(20)]
        assert await keys.key(KID)  # a known one does not wait
        server.open.set()
        assert len({key.thumbprint for key in await asyncio.gather(*asking, *late)}) == 1
        assert server.requests == 2

    run(scenario)


def test_who_gives_up_waiting_takes_the_keys_from_nobody() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer = (200, jwks(jwk("canvas"), jwk("next", kid="next")))
        clock.time += COOL_DOWN_SECONDS
        server.open.clear()
        first, second = (asyncio.create_task(keys.key("next")) for _ in range(2))
        await until(lambda: server.requests == 2)
        first.cancel()
        server.open.set()
        assert (await second).kid == "next"

    run(scenario)


def test_a_new_key_is_found_after_the_cool_down() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer = (200, jwks(jwk("next", kid="next")))
        clock.time += COOL_DOWN_SECONDS
        found = await asyncio.gather(*(keys.key("next") for _ in range(20)))
        assert found[0].rsa.public_numbers() == rsa_key("next").public_key().public_numbers()
        assert server.requests == 2
        assert await reason(keys, KID) == "unknown_key"  # what Canvas has withdrawn is withdrawn

    run(scenario)


REDIRECT = (302, b"")
BAD_ANSWERS = [
    (500, b"down"),
    (404, jwks(jwk("canvas"))),
    (200, b""),
    (200, b"<html>"),
    (200, b"[]"),
    (200, b'{"keys": {}}'),
    (200, jwks()),
    (200, jwks(jwk("canvas")) + b" " * MAX_BYTES),
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_failed_fetch_keeps_the_last_good_keys(answer: tuple[int, bytes]) -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer = answer
        clock.time += COOL_DOWN_SECONDS
        assert await reason(keys, "next") == "keys_unavailable"
        assert await keys.key(KID)
        assert server.requests == 2

    run(scenario)


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_without_any_key_it_cannot_tell(answer: tuple[int, bytes]) -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        assert not keys.loaded
        assert await reason(keys, KID) == "keys_unavailable"
        server.answer = (200, jwks(jwk("canvas")))
        clock.time += COOL_DOWN_SECONDS
        assert await keys.key(KID)
        assert keys.loaded

    run(scenario, answer)


def test_a_redirect_is_not_followed() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer, server.headers = (302, b""), {"Location": server.url}
        clock.time += COOL_DOWN_SECONDS
        assert await reason(keys, "next") == "keys_unavailable"
        assert server.requests == 2

    run(scenario)


def test_it_tries_again_by_itself_after_a_failed_start() -> None:
    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        assert not keys.loaded
        server.answer = (200, jwks(jwk("canvas")))
        await until(lambda: keys.loaded)

    run(scenario, (503, b""))


def test_it_refreshes_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0.01)

    async def scenario(server: JwksServer, keys: KeySet, clock: Clock) -> None:
        server.answer = (200, jwks(jwk("next", kid="next")))
        await until(lambda: server.requests > 3)
        assert await keys.key("next")

    run(scenario)


def test_nobody_answers_at_that_address() -> None:
    async def scenario() -> None:
        async with KeySet("http://127.0.0.1:9/jwks") as keys:
            assert await reason(keys, KID) == "keys_unavailable"

    asyncio.run(scenario())


UNUSABLE: list[Any] = [
    None,
    "key",
    {},
    {"kty": "oct", "kid": KID, "k": "c2VjcmV0"},
    {"kty": "RSA", "kid": KID},
    {"kty": "RSA", "kid": KID, "n": "!", "e": 7},
    {"kty": "RSA", "kid": KID, "n": "AQAB", "e": "AQAB"},
    jwk("canvas", use="enc"),
    jwk("canvas", alg="RS512"),
    jwk("canvas", alg="HS256"),
    jwk("canvas", kid=7),
    jwk("canvas", kid=None),
    jwk("small", bits=1024),
    jwk("canvas", d="AQAB"),
]


@pytest.mark.parametrize("entry", UNUSABLE)
def test_an_unusable_key_is_left_out(entry: Any) -> None:
    with pytest.raises(ValueError, match="no RSA signing key"):
        parse_keys(orjson.dumps({"keys": [entry]}))
    assert list(parse_keys(orjson.dumps({"keys": [entry, jwk("next", kid="good")]}))) == ["good"]


def test_a_usable_set() -> None:
    content = jwks(
        jwk("a", kid="previous"), jwk("b", kid="current", use="sig", alg="RS256"), jwk("c", kid="next")
    )
    assert list(parse_keys(content)) == ["previous", "current", "next"]
