"""The SQS door when SQS fails or denies: waited out where time helps, ended with the remedy where not."""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.session import Session

from bridge.door_settings import SqsSettings
from bridge.ingress import receiver as receiver_module
from bridge.ingress.base import DoorBroken
from bridge.ingress.sqs_queue import Queue
from bridge.metrics import SQS_ERRORS
from tests.unit.doors import metric, until
from tests.unit.sqs_site import Site, break_call, client_error, memory_queue, site


@pytest.fixture(autouse=True)
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with memory_queue(monkeypatch) as url:
        yield url


def test_a_refused_extension_is_said_and_costs_nothing(
    queue_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def deny(real: Any) -> Any:
        raise client_error("AccessDenied", 403)

    break_call(monkeypatch, "ChangeMessageVisibilityBatch", deny)
    monkeypatch.setattr(receiver_module, "EXTEND_AFTER", 0.001)
    before = metric(SQS_ERRORS, "extend")

    async def go() -> None:
        async with site(queue_url, receivers=1) as at:
            at.kafka.open.clear()
            at.send("one")
            await until(lambda: metric(SQS_ERRORS, "extend") > before)
            at.kafka.open.set()
            await until(lambda: at.left() == (0, 0))

    asyncio.run(go())
    assert "did not change a visibility timeout" in caplog.text


def test_a_failed_delete_is_tried_again_message_by_message(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [{0, 1, 2}, {0, 2}, {0}]

    def fail_some(real: Any) -> Any:
        answer, ids = real(), failing.pop(0) if failing else set()
        if len(ids) == 3:
            raise client_error("ServiceUnavailable", 503)
        answer["Failed"] = [{"Id": str(at), "Code": "InternalError", "SenderFault": False} for at in ids]
        return answer

    break_call(monkeypatch, "DeleteMessageBatch", fail_some)
    errors = metric(SQS_ERRORS, "delete")

    async def go() -> None:
        Site(queue_url, None, None, None).send("one", "two", "three")  # type: ignore[arg-type]
        async with site(queue_url, receivers=1) as at:
            await until(lambda: not failing and at.left() == (0, 0))
            assert len(at.kafka.records) == 3

    asyncio.run(go())
    assert metric(SQS_ERRORS, "delete") == errors + 3 + 2 + 1


@pytest.mark.parametrize(
    "code", ["AccessDenied", "AccessDeniedException", "AWS.SimpleQueueService.AccessDenied"]
)
def test_a_denied_delete_ends_the_door_with_the_remedy(
    queue_url: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(real: Any) -> Any:
        raise client_error(code, 403)

    break_call(monkeypatch, "DeleteMessageBatch", deny)
    assert "sqs:DeleteMessage" in ends_broken(queue_url)


def test_a_delete_that_is_denied_for_one_message_ends_the_door_too(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"Failed": [{"Id": "0", "Code": "AccessDenied", "SenderFault": True}]}
    break_call(monkeypatch, "DeleteMessageBatch", lambda real: failed)
    assert "sqs:DeleteMessage" in ends_broken(queue_url)


def ends_broken(url: str) -> str:
    async def work() -> None:
        async with site(url) as at:
            at.client.send_message(QueueUrl=at.url, MessageBody="one")
            async with asyncio.timeout(30):
                await at.work.task

    with pytest.raises(DoorBroken) as broken:
        asyncio.run(work())
    return str(broken.value)


def test_a_queue_that_does_not_exist_ends_the_door_with_the_remedy(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=queue_url)
    break_call(monkeypatch, "SendMessage", lambda real: None)
    said = ends_broken(queue_url)
    assert "SQS knows no queue" in said
    assert "BRIDGE_SQS__QUEUE_URL" in said


def test_no_credentials_end_the_door_with_the_remedy(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "get_credentials", lambda self: None)
    assert "AWS_ACCESS_KEY_ID" in ends_broken(queue_url)


def test_no_region_is_said_with_the_remedy(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(DoorBroken, match="AWS_DEFAULT_REGION"):
        Queue(SqsSettings(queue_url=queue_url))


@pytest.mark.parametrize(
    "error",
    [
        client_error("ServiceUnavailable", 503),
        client_error("OverLimit", 403),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_trouble_with_receiving_is_waited_out(
    queue_url: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([error] * 5)

    def fail_at_first(real: Any) -> Any:
        for failure in failures:
            raise failure
        return real()

    break_call(monkeypatch, "ReceiveMessage", fail_at_first)
    before = metric(SQS_ERRORS, "receive")

    async def go() -> None:
        async with site(queue_url) as at:
            at.send("one")
            await until(lambda: at.left() == (0, 0) and at.kafka.records)

    asyncio.run(go())
    assert metric(SQS_ERRORS, "receive") == before + 5
    assert len([line for line in caplog.messages if "SQS does not answer" in line]) == 1
