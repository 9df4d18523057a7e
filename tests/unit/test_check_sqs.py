"""What the check says about a queue: its policy, its attributes, and our permission."""

from collections.abc import Iterator
from typing import Any

import boto3
import orjson
import pytest

from bridge.check import sqs as sqs_module
from bridge.check.base import Finding, Site
from bridge.check.sqs import SqsCheck
from bridge.check.sqs_policy import judge_policy
from bridge.check.sqs_queue import judge_queue
from bridge.door_settings import BridgeStateSettings, SpoolSettings, SqsSettings
from bridge.settings import KafkaSettings
from tests.unit.sqs_site import break_call, client_error, memory_queue

ARN = "arn:aws:sqs:us-east-1:123456789012:canvas-live-events"
CANVAS = "636161780776"


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Sid": "canvas",
        "Effect": "Allow",
        "Principal": {"AWS": CANVAS},
        "Action": "sqs:*",
        "Resource": ARN,
        **changes,
    }


def policy(*statements: dict[str, Any]) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": list(statements)}).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Principal": {"AWS": f"arn:aws:iam::{CANVAS}:root"}},
        {"Principal": {"AWS": ["111111111111", CANVAS]}},
        {"Action": ["SQS:sendmessage", "sqs:GetQueueUrl"]},
        {"Action": "sqs:Send*"},
        {"Action": "*"},
        {"Resource": "arn:aws:sqs:*:123456789012:canvas-*"},
        {"Resource": "*"},
    ],
)
def test_a_policy_that_lets_canvas_send(changes: dict[str, Any]) -> None:
    assert judge_policy(policy(statement(**changes)), ARN).outcome == "ok"
    assert judge_policy(orjson.dumps({"Statement": statement(**changes)}).decode(), ARN).outcome == "ok"


@pytest.mark.parametrize(
    ("text", "outcome", "words"),
    [
        (None, "warning", "no policy"),
        ("", "warning", "no policy"),
        ("{", "problem", "cannot be read"),
        ('{"Statement": ["x"]}', "problem", "cannot be read"),
        ("{}", "warning", "no statement allows"),
        (policy(statement(Principal={"AWS": "111111111111"})), "warning", "no statement allows"),
        (policy(statement(Principal={"AWS": f"1{CANVAS}"})), "warning", "no statement allows"),
        (policy(statement(Principal={"Service": "sqs.amazonaws.com"})), "warning", "no statement allows"),
        (policy(statement(Action="sqs:ReceiveMessage")), "warning", "no statement allows"),
        (policy(statement(Resource=ARN + "-other")), "warning", "no statement allows"),
        (policy(statement(Principal="*")), "warning", "anybody"),
        (policy(statement(Principal={"AWS": "*"})), "warning", "anybody"),
        (policy(statement(Condition={"Bool": {"aws:SecureTransport": "true"}})), "warning", "condition"),
        (policy(statement(), statement(Effect="Deny")), "problem", "denies"),
        (policy(statement(), statement(Effect="Deny", Principal="*", Sid="")), "problem", "denies"),
        (
            policy(
                statement(), {**statement(Effect="Deny"), "Principal": None, "NotPrincipal": {"AWS": "1"}}
            ),
            "problem",
            "denies",
        ),
    ],
)
def test_a_policy_that_does_not(text: str | None, outcome: str, words: str) -> None:
    finding = judge_policy(text, ARN)
    assert (finding.outcome, words in finding.finding) == (outcome, True), finding
    assert finding.remedy


def test_a_denial_of_plain_http_or_of_others_is_no_denial_of_canvas() -> None:
    transport = statement(Effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    others = statement(Effect="Deny", Principal={"AWS": "111111111111"})
    assert judge_policy(policy(statement(), transport, others), ARN).outcome == "ok"


GOOD = {
    "QueueArn": ARN,
    "SqsManagedSseEnabled": "true",
    "MessageRetentionPeriod": "345600",
    "VisibilityTimeout": "30",
}


def judged(changes: dict[str, str | None] | None = None, **settings: Any) -> dict[str, Finding]:
    attributes = {name: value for name, value in {**GOOD, **(changes or {})}.items() if value is not None}
    found = judge_queue(attributes, SqsSettings(queue_url="https://sqs/1/canvas-live-events", **settings))
    return {finding.name: finding for finding in found}


def test_a_queue_as_it_should_be() -> None:
    assert {finding.outcome for finding in judged().values()} == {"ok"}


REDRIVE = '{"deadLetterTargetArn": "arn:x", "maxReceiveCount": %s}'


@pytest.mark.parametrize(
    ("changes", "name", "outcome"),
    [
        ({"QueueArn": "arn:aws:sqs:us-east-1:1:live-events"}, "sqs name", "problem"),
        ({"QueueArn": "arn:aws:sqs:us-east-1:1:canvas-live-events-beta"}, "sqs name", "ok"),
        ({"QueueArn": ARN + ".fifo"}, "sqs name", "problem"),
        ({"FifoQueue": "true"}, "sqs name", "problem"),
        ({"QueueArn": None}, "sqs name", "ok"),
        ({"SqsManagedSseEnabled": "false"}, "sqs encryption", "warning"),
        ({"SqsManagedSseEnabled": None}, "sqs encryption", "skipped"),
        ({"KmsMasterKeyId": "alias/aws/sqs"}, "sqs encryption", "problem"),
        ({"KmsMasterKeyId": "arn:aws:kms:us-east-1:1:alias/aws/sqs"}, "sqs encryption", "problem"),
        ({"KmsMasterKeyId": "alias/ours"}, "sqs encryption", "warning"),
        ({"MessageRetentionPeriod": "345599"}, "sqs retention", "warning"),
        ({"MessageRetentionPeriod": None}, "sqs retention", "skipped"),
        ({"VisibilityTimeout": "0"}, "sqs visibility", "ok"),
        ({"VisibilityTimeout": None}, "sqs visibility", "skipped"),
        ({"RedrivePolicy": REDRIVE % 9}, "sqs redrive", "warning"),
        ({"RedrivePolicy": REDRIVE % 10}, "sqs redrive", "ok"),
        ({"RedrivePolicy": REDRIVE % '"3"'}, "sqs redrive", "warning"),
        ({"RedrivePolicy": "{}"}, "sqs redrive", "problem"),
        ({"RedrivePolicy": "["}, "sqs redrive", "problem"),
    ],
)
def test_a_queue_that_is_not(changes: dict[str, str | None], name: str, outcome: str) -> None:
    found = judged(changes)
    assert found.pop(name).outcome == outcome
    assert {finding.outcome for finding in found.values()} == {"ok"}


def test_short_polls_are_warned_of() -> None:
    assert judged(wait_seconds=0)["sqs polling"].outcome == "warning"


@pytest.fixture
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with memory_queue(monkeypatch) as url:
        yield url


def found(url: str) -> dict[str, Finding]:
    site = Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings(), sqs=SqsSettings(queue_url=url))
    assert SqsCheck().needless(site) is None
    return {finding.name: finding for finding in SqsCheck().find(site)}


def test_a_real_queue_is_asked_and_left_as_it_was(queue_url: str) -> None:
    client: Any = boto3.client("sqs")
    client.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy(statement(Resource="*"))})
    client.send_message(QueueUrl=queue_url, MessageBody="one")
    findings = found(queue_url)
    assert {finding.outcome for finding in findings.values()} <= {"ok", "skipped"}, findings
    assert "1 messages wait" in findings["sqs"].finding
    assert findings["sqs permission"].outcome == "ok"
    counts = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == (
        "1",
        "0",
    )


def test_a_queue_that_is_not_there(queue_url: str) -> None:
    (finding,) = found(queue_url + "-other").values()
    assert finding.outcome == "problem"
    assert "there is no queue" in finding.finding
    assert "BRIDGE_SQS__QUEUE_URL" in finding.remedy


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        ("AccessDenied", "warning", "sqs:GetQueueAttributes"),
        ("AccessDeniedException", "warning", "sqs:GetQueueAttributes"),
        ("InvalidClientTokenId", "problem", "credentials"),
    ],
)
def test_what_sqs_refuses_is_said_with_the_remedy(
    queue_url: str, code: str, outcome: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(real: Any) -> Any:
        raise client_error(code, 403)

    break_call(monkeypatch, "GetQueueAttributes", refuse)
    (finding,) = found(queue_url).values()
    assert finding.outcome == outcome
    assert code in finding.finding
    assert words in finding.remedy


def test_no_region_and_no_sqs_are_said(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (finding,) = found(queue_url).values()
    assert finding.outcome == "problem"
    assert "AWS_DEFAULT_REGION" in finding.remedy


@pytest.mark.parametrize("whole", [True, False])
def test_a_denied_delete_is_found_before_the_door_finds_it(
    queue_url: str, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(real: Any) -> Any:
        if whole:
            raise client_error("AccessDenied", 403)
        return {"Failed": [{"Id": "0", "Code": "AccessDenied", "SenderFault": True}]}

    break_call(monkeypatch, "DeleteMessageBatch", deny)
    finding = found(queue_url)["sqs permission"]
    assert finding.outcome == "problem"
    assert "sqs:DeleteMessage" in finding.remedy


def test_the_receipt_it_asks_with_is_nobody_s(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Client:
        def delete_message_batch(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return {"Failed": [{"Id": "0", "Code": "ReceiptHandleIsInvalid"}]}

    assert sqs_module._delete(Client(), queue_url).outcome == "ok"
    assert asked == [
        {"QueueUrl": queue_url, "Entries": [{"Id": "0", "ReceiptHandle": "canvas-bridge-check"}]}
    ]
