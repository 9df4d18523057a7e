"""Doors to deliver to: a webhook that keeps what it gets, and an SQS queue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from moto import mock_aws

from bridge.sandbox.delivery import Delivery
from bridge.sandbox.outbox import Pace, deliver
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import PlainWebhook, Sender

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUICK = Pace(concurrency=8, backoff_seconds=0.001)

Answering = Callable[[web.Request, bytes], Awaitable[web.Response]]


def event(number: int, door: int = 0) -> Delivery:
    metadata = {"event_name": "logged_out", "event_time": f"2026-03-02T08:00:00.{number:03d}Z"}
    payload = orjson.dumps({"metadata": metadata, "body": {}})
    return Delivery(payload, metadata["event_name"], metadata["event_time"], door=door)


@asynccontextmanager
async def webhook(answer: Answering) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return await answer(request, await request.read())

    app = web.Application()
    app.router.add_post("/", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


class Wall:
    """A webhook that keeps what it gets and answers from a list, then 202."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.bodies: list[bytes] = []
        self.types: list[str] = []
        self._statuses = list(statuses)
        self._headers = headers

    async def __call__(self, request: web.Request, body: bytes) -> web.Response:
        self.bodies.append(body)
        self.types.append(request.content_type)
        status = self._statuses.pop(0) if self._statuses else 202
        return web.Response(status=status, headers=self._headers if status == 503 else None)


def deliver_to(
    wall: Answering, deliveries: Sequence[Delivery], sender: Callable[[str], Sender] = PlainWebhook
) -> Receipts:
    receipts = Receipts()

    async def run() -> None:
        async with webhook(wall) as url:
            door = sender(url)
            try:
                await deliver(deliveries, [door], QUICK, receipts)
            finally:
                await door.close()

    asyncio.run(run())
    return receipts


@contextmanager
def sqs_client(monkeypatch: pytest.MonkeyPatch) -> Iterator["SQSClient"]:
    """An SQS in this process, for as long as the block lasts."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("sqs")
        yield client
        client.close()


def received(client: "SQSClient", url: str) -> list[Any]:
    messages: list[Any] = []
    while found := client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
    ).get("Messages"):
        messages += found
    return messages
