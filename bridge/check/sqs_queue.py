"""Judges a queue by its attributes, as SQS gives them: names and texts."""

from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from bridge.check.base import Finding, ok, problem, skipped, warning
from bridge.door_settings import SqsSettings

PREFIX: Final = "canvas-live-events"  # Canvas sends to no queue of another name
DAY_SECONDS: Final = 86_400
KEPT_DAYS: Final = 4
RECEIVES: Final = 10  # an outage of Kafka, restarts of the door: none of these may cost a message
AWS_KEY: Final = "alias/aws/sqs"

Attributes = Mapping[str, str]


def judge_queue(attributes: Attributes, settings: SqsSettings) -> Iterator[Finding]:
    """On name, encryption, retention, visibility, redrive and polling."""
    yield _name(attributes, settings.queue_url)
    yield _encryption(attributes)
    yield _retention(attributes)
    yield _visibility(attributes, settings.visibility_seconds)
    yield _redrive(attributes)
    yield _polling(settings.wait_seconds)


def _name(attributes: Attributes, url: str) -> Finding:
    name = attributes.get("QueueArn", url).rstrip("/").replace("/", ":").rpartition(":")[2]
    if name.endswith(".fifo") or attributes.get("FifoQueue") == "true":
        return problem(
            "sqs name", f"{name} is a FIFO queue: Canvas sends to standard queues", "make a standard one"
        )
    if not name.startswith(PREFIX):
        return problem(
            "sqs name",
            f"{name}: Canvas sends only to queues whose name begins with {PREFIX}",
            f"make a queue {PREFIX}-… and set BRIDGE_SQS__QUEUE_URL",
        )
    return ok("sqs name", name)


def _encryption(attributes: Attributes) -> Finding:
    name, key = "sqs encryption", attributes.get("KmsMasterKeyId", "")
    if key.endswith(AWS_KEY):
        return problem(
            name,
            f"encrypted with {AWS_KEY}, which no other account may use: Canvas cannot send",
            "use SSE-SQS, or a key of your own whose policy lets Canvas's account use it",
        )
    if key:
        return warning(
            name,
            "encrypted with a KMS key of your own; its policy cannot be seen from here",
            "let Canvas's account do kms:GenerateDataKey and kms:Decrypt, and these credentials kms:Decrypt",
        )
    if "SqsManagedSseEnabled" not in attributes:
        return skipped(name, "cannot tell: this SQS does not say")
    if attributes["SqsManagedSseEnabled"] == "true":
        return ok(name, "SSE-SQS")
    return warning(name, "messages are not encrypted at rest", "switch SSE-SQS on: it is free")


def _retention(attributes: Attributes) -> Finding:
    name, seconds = "sqs retention", _number(attributes, "MessageRetentionPeriod")
    if seconds is None:
        return skipped(name, "cannot tell: this SQS does not say")
    kept = f"{seconds / DAY_SECONDS:.3g} days"
    if seconds < KEPT_DAYS * DAY_SECONDS:
        return warning(
            name, f"{kept}: a door that is down longer than that loses events", "set it to 14 days, the most"
        )
    return ok(name, kept)


def _visibility(attributes: Attributes, ours: int) -> Finding:
    name, seconds = "sqs visibility", _number(attributes, "VisibilityTimeout")
    if seconds is None:
        return skipped(name, "cannot tell: this SQS does not say")
    if seconds < ours:
        # Each receive of ours states its own: the queue's counts for other readers alone.
        return ok(name, f"{seconds} s on the queue, {ours} s with each receive of the door, which counts")
    return ok(name, f"{seconds} s on the queue, {ours} s with each receive of the door")


def _redrive(attributes: Attributes) -> Finding:
    name, text = "sqs redrive", attributes.get("RedrivePolicy")
    if not text:
        return ok(name, "none: a message waits until Kafka takes it, as long as the queue keeps it")
    try:
        most = int(orjson.loads(text)["maxReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return problem(name, "its redrive policy cannot be read", "set it again")
    if most < RECEIVES:
        return warning(
            name,
            f"after {most} receives a message goes to the dead-letter queue, which no door reads",
            f"set maxReceiveCount to {RECEIVES} or more: what Canvas sends wrong is dead-lettered in Kafka",
        )
    return ok(name, f"after {most} receives a message goes to the dead-letter queue; watch that it is empty")


def _polling(wait: int) -> Finding:
    name = "sqs polling"
    if wait < 1:
        return warning(
            name, "short polls: each costs, and may miss messages", "set BRIDGE_SQS__WAIT_SECONDS=20"
        )
    return ok(name, f"long polls of {wait} s")


def _number(attributes: Attributes, name: str) -> int | None:
    text = attributes.get(name, "")
    return int(text) if text.isdigit() else None
