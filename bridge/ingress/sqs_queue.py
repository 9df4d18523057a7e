"""The calls to SQS that the door needs, and its errors in two kinds."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from bridge.door_settings import SqsSettings
from bridge.ingress.base import DoorBroken
from bridge.ingress.sqs_calls import SqsCalls, SqsRefused
from bridge.rate_limit import RateLimit

BATCH: Final = 10  # the most SQS takes or gives in one call
ATTRIBUTES: Final = ("event_name", "event_time")
# Beside AccessDenied in its variants. Not every 403: SQS answers 403 to too many messages in flight as well.
DENIED: Final = frozenset(
    {"InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)
# Their visibility timeout has passed, or a receipt is another's by now: no second try can succeed.
NO_LONGER_OURS: Final = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue"})

UNKNOWN_QUEUE: Final = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
BEYOND_A_POLL_SECONDS: Final = 10.0

log = logging.getLogger(__name__)
log.addFilter(RateLimit())
logging.getLogger("botocore").setLevel(logging.INFO)  # below, it would quote every message it receives


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
        self._calls = SqsCalls(settings.endpoint_url, settings.wait_seconds + BEYOND_A_POLL_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._calls.close()

    async def receive(self) -> list[Message]:
        """Up to ten messages, ours for the visibility timeout; empty after a long poll without any."""
        answer = await self._call(
            "ReceiveMessage",
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=self._wait,
            VisibilityTimeout=self._visibility,
            MessageAttributeNames=ATTRIBUTES,
        )
        return [_message(entry) for entry in answer.get("Messages") or ()]

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Deletes up to ten messages; those for which that may be tried again are returned."""
        entries = [{"Id": str(at), "ReceiptHandle": message.receipt} for at, message in enumerate(messages)]
        failed = (await self._call("DeleteMessageBatch", Entries=entries)).get("Failed") or ()
        for entry in failed:
            _refuse_denied("DeleteMessageBatch", entry.get("Code", ""))
        again = [messages[int(entry["Id"])] for entry in failed if entry.get("Code") not in NO_LONGER_OURS]
        if len(again) < len(failed):
            lost = len(failed) - len(again)
            log.warning("%d stored messages were no longer ours to delete: they come again as repeats", lost)
        return again

    async def hold(self, messages: Sequence[Message], seconds: int) -> list[Message]:
        """Makes messages (up to ten) ours for that long from now; 0 gives them back at once.

        Those for which it failed are returned.
        """
        entries = [
            {"Id": str(at), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
            for at, message in enumerate(messages)
        ]
        answer = await self._call("ChangeMessageVisibilityBatch", Entries=entries)
        return [messages[int(entry["Id"])] for entry in answer.get("Failed") or ()]

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return await self._calls.call(operation, {"QueueUrl": self._url, **arguments})
        except SqsRefused as refused:
            if refused.code in UNKNOWN_QUEUE:
                raise DoorBroken(f"SQS knows no queue {self._url}. Set BRIDGE_SQS__QUEUE_URL.") from None
            _refuse_denied(operation, refused.code)
            raise


def _refuse_denied(call: str, code: str) -> None:
    if "AccessDenied" in code or code in DENIED:
        raise DoorBroken(
            f"SQS denies {call} on the queue ({code}). Allow sqs:ReceiveMessage, sqs:DeleteMessage and "
            "sqs:ChangeMessageVisibility to these credentials: what is not deleted comes back for ever."
        )


def _message(entry: Mapping[str, Any]) -> Message:
    attributes = entry.get("MessageAttributes") or {}
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
