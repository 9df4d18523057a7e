"""How the webhook begins and ends, and what it says about its settings."""

import asyncio
import logging
import socket
from typing import Any

import aiohttp
import pytest

from bridge.ingress.base import DoorBroken
from bridge.ingress.webhook import Webhook
from bridge.relay import Relay
from tests.unit.doors import MemoryKafka, running, token, until, webhook_settings
from tests.unit.webhook_site import site


def test_at_the_end_what_is_in_hand_is_answered_and_nothing_new_is_taken() -> None:
    async def go() -> None:
        async with site() as at:
            at.kafka.open.clear()
            posting = asyncio.create_task(at.post(b"{}"))
            await at.kafka.asked.wait()
            at.work.stopping.set()
            await until(lambda: not at.door.ready())
            async with asyncio.timeout(30):
                while await accepts(at.door.port):
                    pass
            assert not posting.done()
            at.kafka.open.set()
            assert await posting == 202
            await at.work.task

    asyncio.run(go())


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    async def go() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            door = Webhook(webhook_settings(port=taken.getsockname()[1]))
            with pytest.raises(DoorBroken, match=r"cannot listen on 127.0.0.1:\d+: .*BRIDGE_WEBHOOK__PORT"):
                async with running(door, MemoryKafka()):
                    pass

    asyncio.run(go())


def test_before_and_after_it_is_not_ready_but_it_lives_while_it_works() -> None:
    async def go() -> None:
        async with site() as at:
            assert at.door.ready()
            assert at.door.live()
            door = at.door
        assert not door.ready()

    asyncio.run(go())
    assert not Webhook(webhook_settings()).ready()


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"accept": "plain"}, "nothing is authenticated"),
        ({"accept": "both", "root_account_uuids": "ours"}, "nothing is authenticated"),
        ({"accept": "plain", "secret": "0123456789abcdef"}, ""),
        ({"accept": "both", "secret": "0123456789abcdef", "root_account_uuids": "ours"}, ""),
        ({"accept": "both", "secret": "0123456789abcdef"}, "ROOT_ACCOUNT_UUIDS is empty"),
        ({"accept": "signed"}, "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS is empty"),
        ({"accept": "signed", "root_account_uuids": "ours"}, ""),
    ],
)
def test_it_says_what_the_settings_leave_open(
    settings: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        door = Webhook(webhook_settings(jwks_url="http://127.0.0.1:9/", **settings))
        stopping = asyncio.Event()
        stopping.set()
        await door.serve(None, stopping)  # type: ignore[arg-type]

    with caplog.at_level(logging.WARNING, "bridge.ingress.webhook"):
        asyncio.run(go())
    said = [record.getMessage() for record in caplog.records if record.name == "bridge.ingress.webhook"]
    assert bool(said) == bool(warning)
    assert warning in "".join(said)


def test_without_reachable_keys_nothing_is_ready_and_canvas_is_asked_to_wait() -> None:
    async def go() -> None:
        kafka, stopping = MemoryKafka(), asyncio.Event()
        door = Webhook(webhook_settings(accept="signed", jwks_url="http://127.0.0.1:9/jwks"))
        work = asyncio.create_task(door.serve(Relay(kafka, "canvas.raw", 10_000), stopping))
        await until(lambda: door.port != 0)
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://127.0.0.1:{door.port}/", data=token()) as response,
        ):
            assert response.status == 503
            assert response.headers["Retry-After"] == "10"
        assert not door.ready()
        assert door.live()
        stopping.set()
        await work
        assert kafka.records == []

    asyncio.run(go())
