"""The calls to SQS that the door needs, from asyncio: boto3 in threads, its errors in two kinds."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from bridge.ingress.base import DoorBroken
from bridge.settings import SqsSettings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH: Final = 10  # the most SQS takes or gives in one call
ATTRIBUTES: Final = ("event_name", "event_time")
# Beside AccessDenied in its variants. Not every 403: SQS answers 403 to too many messages in flight as well.
DENIED: Final = frozenset(
    {"InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)

Result = TypeVar("Result")


class QueueTrouble(Exception):
    """A call to SQS failed; later it may succeed. The message names the call and SQS's own code."""


@dataclass(frozen=True, slots=True)
class Message:
    """One received message. `receipt` deletes it, until the visibility timeout has passed."""

    message_id: str
    receipt: str
    body: bytes
    attributes: dict[str, str]


class Queue:
    """One SQS queue. Every method raises QueueTrouble, or DoorBroken where waiting would not help."""

    def __init__(self, settings: SqsSettings) -> None:
        self._url = settings.queue_url
        self._wait = settings.wait_seconds
        self._visibility = settings.visibility_seconds
        threads = 2 * settings.receivers  # each receiver may extend while it deletes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sqs")
        self._client = _client(settings, threads)

    async def receive(self) -> list[Message]:
        """Up to ten messages, ours for the visibility timeout; empty after a long poll without any."""
        answer = await self._call(
            "receive",
            lambda: self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=self._wait,
                VisibilityTimeout=self._visibility,
                MessageAttributeNames=list(ATTRIBUTES),
            ),
        )
        return [_message(entry) for entry in answer.get("Messages", [])]

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Deletes up to ten messages; those that could not be deleted are returned."""
        entries = [{"Id": str(at), "ReceiptHandle": message.receipt} for at, message in enumerate(messages)]
        answer: Any = await self._call(
            "delete",
            lambda: self._client.delete_message_batch(QueueUrl=self._url, Entries=entries),  # type: ignore[arg-type]
        )
        failed = answer.get("Failed", [])
        for entry in failed:
            _refuse_denied("delete", entry.get("Code", ""))
        return [messages[int(entry["Id"])] for entry in failed]

    async def hold(self, messages: Iterable[Message], seconds: int) -> None:
        """Makes messages (up to ten) ours for that long from now; 0 gives them back at once."""
        entries = [
            {"Id": str(at), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
            for at, message in enumerate(messages)
        ]
        await self._call(
            "extend",
            lambda: self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries),  # type: ignore[arg-type]
        )

    def close(self) -> None:
        """Lets the threads end with the calls they are in."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _call(self, name: str, call: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except self._client.exceptions.QueueDoesNotExist:
            raise DoorBroken(f"SQS knows no queue {self._url}. Set BRIDGE_SQS__QUEUE_URL.") from None
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            _refuse_denied(name, code)
            raise QueueTrouble(f"{name}: {code}") from error
        except NoCredentialsError:
            raise DoorBroken(
                "no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role."
            ) from None
        except BotoCoreError as error:
            raise QueueTrouble(f"{name}: {error}") from error


def _client(settings: SqsSettings, connections: int) -> "SQSClient":
    config = Config(
        connect_timeout=5,
        read_timeout=settings.wait_seconds + 10,
        max_pool_connections=connections,
        retries={"mode": "standard", "max_attempts": 3},
    )
    try:
        return boto3.client("sqs", endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise DoorBroken(f"no SQS client: {error} Set AWS_DEFAULT_REGION and AWS's credentials.") from None


def _refuse_denied(call: str, code: str) -> None:
    if "AccessDenied" in code or code in DENIED:
        raise DoorBroken(
            f"SQS denies {call} on the queue ({code}). Allow sqs:ReceiveMessage, sqs:DeleteMessage and "
            "sqs:ChangeMessageVisibility to these credentials: what is not deleted comes back for ever."
        )


def _message(entry: Any) -> Message:
    attributes = entry.get("MessageAttributes", {})
    return Message(
        message_id=entry["MessageId"],
        receipt=entry["ReceiptHandle"],
        # JSON may carry a lone surrogate; the event goes on and is explained in the dead letter.
        body=entry["Body"].encode("utf-8", "surrogatepass"),
        attributes={
            name: attributes[name]["StringValue"]
            for name in ATTRIBUTES
            if attributes.get(name, {}).get("StringValue") is not None
        },
    )
