"""The webhook's port: how many connections it lets in, and what becomes of the rest."""

import socket
from pathlib import Path

import pytest

from bridge.ingress import crowd as crowd_module
from bridge.ingress import listener as listener_module
from bridge.ingress.connections import Bounds
from bridge.metrics import CONNECTIONS, CONNECTIONS_REFUSED
from tests.unit.certificates import write
from tests.unit.doors import metric, until
from tests.unit.webhook_site import request, run, site


@pytest.fixture(autouse=True)
def _quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "SWEEP_SECONDS", 0.01)


def turned_away(reason: str) -> float:
    return metric(CONNECTIONS_REFUSED, reason)


def test_more_connections_than_the_bound_are_turned_away_and_the_rest_works() -> None:
    async def go() -> None:
        async with site(max_connections=20) as at:
            before = turned_away("too_many")
            inside = [await at.wire() for _ in range(20)]
            await until(lambda: len(at.crowd) == 20)
            assert metric(CONNECTIONS) == 20
            for _ in range(50):
                answer = await (await at.wire()).rest()
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"Retry-After: 10\r\n" in answer
            assert turned_away("too_many") == before + 50
            for wire in inside:
                wire.send(request())
                assert await wire.status() == 202
            inside[0].writer.close()
            await until(lambda: len(at.crowd) == 19)
            assert await at.post(b"{}") == 202

    run(go())


def test_handshakes_that_do_not_end_count_and_are_ended(tmp_path: Path) -> None:
    async def go() -> None:
        bounds = Bounds(head_seconds=0.2)
        async with site(bounds, max_connections=5, **write(tmp_path, "first")) as at:
            full, ended = turned_away("too_many"), turned_away("tls")
            wires = [await at.wire() for _ in range(12)]
            assert [await wire.rest() for wire in wires] == [b""] * 12
            assert turned_away("too_many") == full + 7
            await until(lambda: turned_away("tls") == ended + 5)
            assert len(at.crowd) == 0, "who fails in the handshake gives the place back"

    run(go())


def test_without_descriptors_it_waits_for_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "REST_SECONDS", 0.01)

    class Exhausted:
        def __init__(self, real: socket.socket) -> None:
            self.real, self.failures = real, 3

        def accept(self) -> object:
            if self.failures:
                self.failures -= 1
                raise OSError(24, "Too many open files")
            return self.real.accept()

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    bind = listener_module._bind
    monkeypatch.setattr(listener_module, "_bind", lambda *at: Exhausted(bind(*at)))

    async def go() -> None:
        async with site() as at:
            assert await at.post(b"{}") == 202

    run(go())
