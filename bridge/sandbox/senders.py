"""The doors Canvas delivers through. Each sender takes deliveries and says how each was answered.

How Canvas delivers: canvas-lms doc/api/data_services, "Live Events Setup": POST of a JSON body, or of an
RS256 JWT as the whole body; any 2xx accepts, within 15 s; or SQS with the attributes event_name, event_time.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from jwt.api_jws import PyJWS

from bridge.sandbox.delivery import Delivery
from bridge.sandbox.dice import Dice
from bridge.sandbox.jwks_server import SigningKeys

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

ISSUER: Final = "https://live-events.canvas.instructure.com"
TIMEOUT_SECONDS: Final = 15.0
SQS_BATCH: Final = 10
SQS_BATCH_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class Answer:
    """How a door answered: a status (`200`, `timeout`, `ok`, an SQS error code) and the payload it was shown.

    `retry_after` is what a 503 asked for, in seconds.
    """

    accepted: bool
    status: str
    payload: bytes
    retry_after: float | None = None


class Sender(Protocol):
    """A door. `batch` is how many deliveries it takes at a time; `text_only`: bytes must be UTF-8."""

    name: str
    batch: int
    text_only: bool

    async def send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """One try for each of the deliveries, answers in their order. Never raises for a bad answer."""

    async def close(self) -> None:
        """Lets connections go."""


class PlainWebhook:
    """POSTs the payload as it is."""

    batch = 1
    text_only = False

    def __init__(self, url: str, concurrency: int = 32, timeout: float = TIMEOUT_SECONDS) -> None:
        self.name = url
        self._url = url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            timeout=aiohttp.ClientTimeout(total=timeout),
            headers={"Content-Type": "application/json", "User-Agent": "canvas-bridge-simulator"},
        )

    async def send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """One POST for each."""
        return [await self._post(delivery.payload, delivery.payload) for delivery in deliveries]

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _post(self, payload: bytes, body: bytes) -> Answer:
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False) as response:
                await response.read()
                wait = response.headers.get("Retry-After", "") if response.status == 503 else ""
                return Answer(
                    200 <= response.status < 300,
                    str(response.status),
                    payload,
                    float(wait) if wait.isdecimal() else None,
                )
        except TimeoutError:
            return Answer(accepted=False, status="timeout", payload=payload)
        except aiohttp.ClientError as error:
            return Answer(accepted=False, status=type(error).__name__, payload=payload)


class SignedWebhook(PlainWebhook):
    """POSTs a JWT as the whole body, quoted or bare: both have been seen. A retry is signed anew."""

    def __init__(
        self, url: str, keys: SigningKeys, dice: Dice, concurrency: int = 32, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__(url, concurrency, timeout)
        self._kid, self._key = keys.current
        self._jws = PyJWS()
        self._dice = dice

    async def send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """One POST for each; the answer holds the token's payload."""
        return [await self._post(*self._signed(delivery.payload)) for delivery in deliveries]

    def _signed(self, payload: bytes) -> tuple[bytes, bytes]:
        claims = b'{"iss":"%s","iat":%d,' % (ISSUER.encode(), int(time.time()))
        # Spliced in, for what is broken must stay broken, and what is not an object cannot have claims.
        payload = claims + payload[1:] if payload.startswith(b'{"') else payload
        token = self._jws.encode(payload, self._key, algorithm="RS256", headers={"kid": self._kid}).encode()
        return payload, b'"' + token + b'"' if self._dice.chance(0.5) else token


class SqsQueue:
    """Sends to a queue, ten messages a call. boto3 blocks, so it works in threads."""

    batch = SQS_BATCH
    text_only = True

    def __init__(self, queue_url: str, endpoint_url: str | None = None, threads: int = 4) -> None:
        self.name = queue_url
        self._queue_url = queue_url
        config = Config(max_pool_connections=threads, retries={"total_max_attempts": 1})
        self._client = boto3.client("sqs", endpoint_url=endpoint_url, config=config)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sqs-sender")

    async def send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """As few SendMessageBatch calls as SQS's limit of bytes allows."""
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(self._threads, self._send, part) for part in _parts(deliveries)]
        return [answer for answers in await asyncio.gather(*calls) for answer in answers]

    async def close(self) -> None:
        """Waits for the threads."""
        self._threads.shutdown()
        self._client.close()

    def _send(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        entries = [_entry(place, delivery) for place, delivery in enumerate(deliveries)]
        try:
            result = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return [Answer(accepted=False, status=code, payload=delivery.payload) for delivery in deliveries]
        except BotoCoreError as error:
            name = type(error).__name__
            return [Answer(accepted=False, status=name, payload=delivery.payload) for delivery in deliveries]
        refused = {int(entry["Id"]): entry["Code"] for entry in result.get("Failed", ())}
        return [
            Answer(place not in refused, refused.get(place, "ok"), delivery.payload)
            for place, delivery in enumerate(deliveries)
        ]


def _entry(place: int, delivery: Delivery) -> "SendMessageBatchRequestEntryTypeDef":
    attributes: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (("event_name", delivery.event_name), ("event_time", delivery.event_time))
        if value is not None
    }
    return {"Id": str(place), "MessageBody": delivery.payload.decode(), "MessageAttributes": attributes}


def _parts(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    part: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        length = len(delivery.payload) + 200  # the attributes count too
        if part and size + length > SQS_BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(delivery)
        size += length
    if part:
        yield part
