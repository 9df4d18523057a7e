"""A rehearsal of Canvas's monthly rotation: the keys roll while events flow, and none is refused."""

import asyncio
from itertools import count
from typing import Final

import orjson
import pytest

from bridge.ingress import jwks as jwks_module
from bridge.metrics import REFUSED
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from tests.unit.doors import EVENT, rsa_key, sign, total, until
from tests.unit.webhook_site import Site, run, site

ROLLS: Final = 4


def month(number: int) -> SigningKeys:
    """Previous, current and next key of a month."""
    names = [f"2026-{number + n:02d}-01T00:00:00Z" for n in range(3)]
    return SigningKeys({name: rsa_key(name) for name in names})


def event(kid: str, number: int) -> bytes:
    payload = {"iss": "https://live-events.canvas.instructure.com", **EVENT, "number": number}
    return sign(orjson.dumps(payload), kid, {"kid": kid})


class Canvas:
    """Signs with the current key; a retry of an event of last month still bears the previous one."""

    def __init__(self, at: Site) -> None:
        self.at = at
        self.keys = month(1)
        self.numbers = count()
        self.answers: list[int] = []

    async def deliver_forever(self) -> None:
        while True:
            await self.deliver()

    async def delivers(self, more: int) -> None:
        """Waits for so many more answers."""
        enough = len(self.answers) + more
        await until(lambda: len(self.answers) >= enough)

    async def deliver(self) -> None:
        previous, current, _ = self.keys.keys
        for kid in (current, previous):
            self.answers.append(await self.at.post(event(kid, next(self.numbers))))


def test_three_keys_roll_while_events_flow_and_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_module, "REFRESH_SECONDS", 0.02)
    refused = total(REFUSED)

    async def go() -> None:
        server = JwksServer(month(1))
        port = int(server.url.rsplit(":", 1)[1].split("/")[0])
        try:
            async with site(accept="signed", jwks_url=server.url) as at:
                keys, canvas = at.door._keys, Canvas(at)
                assert keys is not None
                flow = [asyncio.create_task(canvas.deliver_forever()) for _ in range(4)]
                for number in range(2, 2 + ROLLS):
                    # The set is published anew: for a moment nobody answers, and what was known goes on.
                    await asyncio.to_thread(server.close)
                    await canvas.delivers(20)
                    server = JwksServer(month(number), port)
                    canvas.keys = month(number)  # from this moment on what was "next" signs
                    newest = list(canvas.keys.keys)[-1]
                    await until(lambda newest=newest: newest in keys._keys)
                    await canvas.delivers(20)
                for task in flow:
                    task.cancel()
                await asyncio.gather(*flow, return_exceptions=True)
                assert set(canvas.answers) == {202}
                signers = {record.header("canvas.signature.kid") for record in at.kafka.records}
                assert signers == {f"2026-{n:02d}-01T00:00:00Z" for n in range(1, 3 + ROLLS)}
                numbers = [orjson.loads(record.value)["number"] for record in at.kafka.records]
                assert len(set(numbers)) == len(numbers) >= len(canvas.answers)
        finally:
            await asyncio.to_thread(server.close)

    run(go())
    assert total(REFUSED) == refused
