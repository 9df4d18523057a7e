"""The calls to SQS over HTTP: signed, bounded, and their failures told apart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from botocore.credentials import RefreshableCredentials

from bridge.door_settings import SqsSettings
from bridge.ingress.base import DoorBroken
from bridge.ingress.sqs_calls import QueueTrouble, SqsCalls, SqsRefused
from bridge.ingress.sqs_queue import Queue
from bridge.sandbox.engines.embedded import SqsServer

Answering = Callable[[web.BaseRequest], Any]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "swordfish")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def answered_by(answer: Answering, seconds: float = 30) -> AsyncIterator[SqsCalls]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response: web.StreamResponse = await answer(request)
        return response

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    calls = SqsCalls(f"http://127.0.0.1:{runner.addresses[0][1]}", seconds)
    try:
        yield calls
    finally:
        await calls.close()
        await runner.cleanup()


def one(status: int, content: bytes, **headers: str) -> Answering:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=content, headers=headers)

    return answer


def ask(answer: Answering, seconds: float = 30) -> dict[str, Any]:
    async def go() -> dict[str, Any]:
        async with answered_by(answer, seconds) as calls:
            return await calls.call("ReceiveMessage", {"QueueUrl": "q"})

    return asyncio.run(go())


def test_a_call_is_json_and_signed_for_its_region() -> None:
    asked: list[tuple[Any, bytes]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append((request.headers, await request.read()))
        return web.Response(body=b'{"Messages": []}')

    assert ask(answer) == {"Messages": []}
    ((headers, body),) = asked
    assert orjson.loads(body) == {"QueueUrl": "q"}
    assert headers["X-Amz-Target"] == "AmazonSQS.ReceiveMessage"
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-west-1/sqs/aws4_request" in headers["Authorization"]
    assert "swordfish" not in str(headers)


def test_a_real_sqs_takes_the_calls_and_gives_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SqsServer()
    server.start()
    try:
        settings = SqsSettings(queue_url="", endpoint_url=server.url, wait_seconds=0)

        async def go() -> None:
            calls = SqsCalls(server.url, 30)
            url = (await calls.call("CreateQueue", {"QueueName": "canvas-live-events-calls"}))["QueueUrl"]
            text = {"DataType": "String", "StringValue": "logged_in"}
            message = {"MessageBody": "\u00e9\n\U0001f600", "MessageAttributes": {"event_name": text}}
            await calls.call("SendMessage", {"QueueUrl": url, **message})
            async with Queue(settings.model_copy(update={"queue_url": url})) as queue:
                (received,) = await queue.receive()
                assert received.body == "\u00e9\n\U0001f600".encode()
                assert received.attributes == {"event_name": "logged_in"}
                assert await queue.hold([received], 60) == []
                assert await queue.delete([received]) == []
                assert await queue.receive() == []
            await calls.call("DeleteQueue", {"QueueUrl": url})
            await calls.close()

        asyncio.run(go())
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("status", "content", "headers", "code"),
    [
        (400, b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}', {}, "QueueDoesNotExist"),
        (
            400,
            b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}',
            {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (400, b"{}", {"x-amzn-query-error": "com.amazonaws.sqs#QueueDoesNotExist"}, "QueueDoesNotExist"),
        (403, b'{"__type":"AccessDeniedException","message":"swordfish"}', {}, "AccessDeniedException"),
        (503, b"<html>", {}, "HTTP 503"),
        (500, b"", {}, "HTTP 500"),
        (302, b"{}", {"Location": "http://127.0.0.1:1/"}, "HTTP 302"),
    ],
)
def test_an_error_has_sqs_s_own_name(status: int, content: bytes, headers: Any, code: str) -> None:
    with pytest.raises(SqsRefused) as refused:
        ask(one(status, content, **headers))
    assert refused.value.code == code
    assert str(refused.value) == f"ReceiveMessage: {code}"


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"", b"\xff"])
def test_an_answer_that_is_not_sqs_s_is_trouble(content: bytes) -> None:
    with pytest.raises(QueueTrouble, match="not SQS's"):
        ask(one(200, content))


def test_a_lone_surrogate_does_not_cost_the_batch() -> None:
    assert ask(one(200, b'{"Messages": [{"Body": "\\ud800"}]}')) == {"Messages": [{"Body": "\ud800"}]}


def test_no_answer_is_trouble_and_not_waited_for_without_end() -> None:
    async def never(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    with pytest.raises(QueueTrouble):
        ask(never, seconds=0.2)


def test_nobody_there_is_trouble() -> None:
    async def go() -> None:
        calls = SqsCalls("http://127.0.0.1:1", 30)
        try:
            await calls.call("ReceiveMessage", {})
        finally:
            await calls.close()

    with pytest.raises(QueueTrouble, match="ReceiveMessage"):
        asyncio.run(go())


def hanging_up(times: int) -> tuple[Answering, list[int]]:
    asked: list[int] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(1)
        if len(asked) <= times:
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=b"{}")

    return answer, asked


def test_a_connection_that_was_closed_meanwhile_is_no_trouble() -> None:
    answer, asked = hanging_up(1)
    assert ask(answer) == {}
    assert len(asked) == 2


def test_a_server_that_hangs_up_again_is() -> None:
    answer, asked = hanging_up(9)
    with pytest.raises(QueueTrouble):
        ask(answer)
    assert len(asked) == 2


def test_the_keys_of_a_role_are_renewed_off_the_event_loop() -> None:
    renewed: list[bool] = []

    def renew() -> dict[str, str]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            renewed.append(True)
        return {"access_key": "NEW", "secret_key": "x", "token": "t", "expiry_time": "2099-01-01T00:00:00Z"}

    asked: list[Any] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.headers)
        return web.Response(body=b"{}")

    async def go() -> None:
        async with answered_by(answer) as calls:
            old = {**renew(), "access_key": "OLD", "expiry_time": "2000-01-01T00:00:00Z"}
            renewed.clear()
            calls._credentials = RefreshableCredentials.create_from_metadata(old, renew, "test")
            for _ in range(2):
                await calls.call("ReceiveMessage", {})

    asyncio.run(go())
    assert renewed == [True]
    assert all("Credential=NEW/" in headers["Authorization"] for headers in asked)
    assert all(headers["X-Amz-Security-Token"] == "t" for headers in asked)


def test_no_region_ends_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/no/such/file")
    with pytest.raises(DoorBroken, match="AWS_DEFAULT_REGION"):
        SqsCalls(None, 30)


def test_the_endpoint_is_the_region_s_own() -> None:
    assert SqsCalls(None, 30)._url == "https://sqs.eu-west-1.amazonaws.com/"
