"""The SQS door at work on an SQS in memory, whose calls can be made to fail."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import boto3
import orjson
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from bridge.door_settings import SqsSettings
from bridge.ingress import receiver as receiver_module
from bridge.ingress import sqs_queue
from bridge.ingress.sqs import Sqs
from bridge.ingress.sqs_calls import SqsCalls
from bridge.rate_limit import RateLimit
from tests.unit.doors import MemoryKafka, Running, running


@contextmanager
def memory_queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty queue, and a receiver that loses no time over failures."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(receiver_module, "Backoff", quick_backoff)
    for log in (receiver_module.log, sqs_queue.log):
        monkeypatch.setattr(log, "filters", [RateLimit()])
    monkeypatch.setattr(SqsCalls, "_post", post_in_memory)
    with mock_aws():
        yield boto3.client("sqs").create_queue(QueueName="canvas-live-events")["QueueUrl"]


async def post_in_memory(self: SqsCalls, operation: str, body: bytes) -> tuple[int, Any, bytes]:
    """What SQS would answer, from moto; boto3's errors as the answers they are made of."""
    await self._keys()
    try:
        client: Any = boto3.client("sqs")
        answer = await asyncio.to_thread(client._make_api_call, operation, orjson.loads(body))
    except ClientError as error:
        metadata = error.response.get("ResponseMetadata", {})
        code = error.response["Error"]["Code"]
        return metadata.get("HTTPStatusCode", 400), {"x-amzn-query-error": f"{code};Sender"}, b"{}"
    except EndpointConnectionError as error:
        raise aiohttp.ClientConnectionError(str(error)) from error
    return 200, {}, orjson.dumps(answer, default=lambda value: b64encode(value).decode())


def quick_backoff(first: float, most: float) -> Any:
    class Quick:
        def next(self) -> float:
            return 0.01

        def reset(self) -> None: ...

    return Quick()


class Site:
    """The SQS door at work on a queue."""

    def __init__(self, url: str, door: Sqs, kafka: MemoryKafka, work: Running) -> None:
        self.url, self.door, self.kafka, self.work = url, door, kafka, work
        self.client: Any = boto3.client("sqs")

    def send(self, *bodies: str, **attributes: str) -> list[str]:
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        return [
            self.client.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=typed)[
                "MessageId"
            ]
            for body in bodies
        ]

    def left(self) -> tuple[int, int]:
        """Messages to be had, messages in somebody's hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(counts[names[0]]), int(counts[names[1]])


@asynccontextmanager
async def site(url: str, **more: Any) -> AsyncIterator[Site]:
    settings = SqsSettings(**{"queue_url": url, "wait_seconds": 0, "receivers": 2, **more})
    door, kafka = Sqs(settings), MemoryKafka()
    async with running(door, kafka) as work:
        yield Site(url, door, kafka, work)


def break_call(monkeypatch: pytest.MonkeyPatch, operation: str, change: Callable[[Any], Any]) -> None:
    """Replaces one call of SQS by a function of the real call."""
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            return change(lambda: real(self, name, arguments))
        return real(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")
