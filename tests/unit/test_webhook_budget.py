"""What the webhook does counts against the delivery budget: answers, and connections ended without one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge.budget_file import FILE
from bridge.delivery_budget import DeliveryBudget
from bridge.door_settings import BridgeStateSettings
from bridge.ingress import reception as reception_module
from bridge.ingress.webhook import Webhook
from bridge.status import STATUS
from tests.unit.doors import MemoryKafka, running, until, webhook_settings
from tests.unit.webhook_site import Site, site


def used(at: Site) -> tuple[int, int]:
    budget: DeliveryBudget = at.door._budget
    return budget.used("timeout"), budget.used("failure")


def reasons(at: Site) -> dict[str, int]:
    found: dict[str, int] = at.door._budget.report()["failure"]["reasons"]
    return found


def test_what_is_stored_costs_nothing_and_what_is_refused_counts_with_its_reason() -> None:
    async def go() -> None:
        async with site() as at:
            assert await at.post(b"{") == 202
            assert used(at) == (0, 0)
            assert await at.post(b"x" * 200_000) == 413
            at.kafka.fail()
            assert await at.post(b"{}") == 503
            at.kafka.fail(ZeroDivisionError())
            assert await at.post(b"{}") == 503
            assert reasons(at) == {"too_large": 1, "not_stored": 1, "internal": 1}
            assert STATUS.report()["budget"]["failure"]["used"] == 3

    asyncio.run(go())


def test_a_request_for_another_path_or_method_is_a_stranger_s() -> None:
    async def go() -> None:
        async with site() as at:
            url = f"http://127.0.0.1:{at.door.port}"
            for method, path in (("POST", "/wp-login.php"), ("GET", "/"), ("PUT", "/")):
                async with at.client.request(method, url + path) as response:
                    assert response.status in (404, 405)
            assert used(at) == (0, 0)

    asyncio.run(go())


def test_a_delivery_without_the_secret_may_be_canvas_s() -> None:
    async def go() -> None:
        async with site(secret="swordfish-0123456789") as at:
            assert await at.post(b"{}") == 404
            assert reasons(at) == {"secret": 1}

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fails", "seconds", "expected"), [(False, 15, (1, 0)), (True, 15, (1, 0)), (False, 14, (0, 0))]
)
def test_the_time_is_that_from_the_request_to_its_answer(
    fails: Any, seconds: float, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return 1000.0 + sum(times)

    async def go() -> None:
        async with site() as at:
            if fails:
                at.kafka.fail()
            at.kafka.open.clear()
            posting = asyncio.create_task(at.post(b"{}"))
            await at.kafka.asked.wait()
            times.append(seconds)
            at.kafka.open.set()
            await posting
            assert used(at) == expected

    monkeypatch.setattr(reception_module, "time", Clock)
    asyncio.run(go())


def test_a_connection_that_is_turned_away_may_be_canvas_s() -> None:
    async def go() -> None:
        async with site(max_connections=1) as at:
            first, keeping = await asyncio.open_connection("127.0.0.1", at.door.port)
            await until(lambda: len(at.door._crowd or ()) == 1)
            second, writing = await asyncio.open_connection("127.0.0.1", at.door.port)
            assert b"503" in await second.readline()
            assert reasons(at) == {"too_many": 1}
            keeping.write(b"nonsense\r\n\r\n")
            assert b"400" in await first.readline()
            assert reasons(at) == {"too_many": 1, "malformed": 1}
            for writer in (keeping, writing):
                writer.close()

    asyncio.run(go())


def test_it_is_kept_across_a_restart_of_the_door(tmp_path: Path) -> None:
    async def go() -> int:
        door = Webhook(webhook_settings(), BridgeStateSettings(state_directory=tmp_path))
        kafka = MemoryKafka()
        async with running(door, kafka) as work:
            door._budget.count(503, "not_stored", 0)
            work.stopping.set()
            await work.task
        return door._budget.used("failure")

    assert asyncio.run(go()) == 1
    assert (tmp_path / FILE).exists()
    assert asyncio.run(go()) == 2
