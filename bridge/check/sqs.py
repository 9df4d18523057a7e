"""Whether the queue is one that Canvas can write to, and that keeps what it is given."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.check.base import ANSWER_SECONDS, Finding, Site, ok, problem, skipped, warning
from bridge.check.sqs_policy import judge_policy
from bridge.check.sqs_queue import judge_queue
from bridge.door_settings import SqsSettings

NO_RECEIPT: Final = "canvas-bridge-check"


class SqsCheck:
    """The queue's own attributes, and whether these credentials may delete from it."""

    name = "sqs"

    def needless(self, site: Site) -> str | None:
        """Where no queue is configured."""
        return None if site.sqs else "BRIDGE_SQS__QUEUE_URL is not set"

    def find(self, site: Site) -> Iterator[Finding]:
        """Findings on the queue; one where it is not there."""
        if site.sqs is None:
            return
        try:
            client = _client(site.sqs)
            attributes = _attributes(client, site.sqs.queue_url)
        except ClientError as error:
            yield _refused(error, site.sqs.queue_url)
            return
        except (BotoCoreError, ValueError) as error:
            remedy = (
                "set AWS_DEFAULT_REGION, AWS's credentials and BRIDGE_SQS__QUEUE_URL, and let SQS be reached"
            )
            yield problem(self.name, f"SQS does not answer: {error}", remedy)
            return
        waiting = attributes.get("ApproximateNumberOfMessages", "an unknown number of")
        yield ok(self.name, f"the queue exists; {waiting} messages wait in it")
        yield _delete(client, site.sqs.queue_url)
        yield judge_policy(attributes.get("Policy"), attributes.get("QueueArn", ""))
        yield from judge_queue(attributes, site.sqs)


def _client(settings: SqsSettings) -> Any:
    config = Config(
        connect_timeout=ANSWER_SECONDS / 2,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "max_attempts": 1},
    )
    return boto3.client("sqs", endpoint_url=settings.endpoint_url, config=config)


def _attributes(client: Any, url: str) -> Mapping[str, str]:
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: Mapping[str, str] = answer.get("Attributes", {})
    return attributes


def _delete(client: Any, url: str) -> Finding:
    # A receipt nobody was given: who may delete is told that it is none, and nothing is deleted.
    name, entry = "sqs permission", {"Id": "0", "ReceiptHandle": NO_RECEIPT}
    try:
        failed = client.delete_message_batch(QueueUrl=url, Entries=[entry]).get("Failed", [])
        codes = [each.get("Code", "") for each in failed]
    except ClientError as error:
        codes = [_code(error)]
    except BotoCoreError as error:
        return skipped(name, f"cannot tell whether we may delete: {error}")
    if any("AccessDenied" in code for code in codes):
        return problem(
            name,
            "we may not delete messages: each would come back for ever",
            "allow sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility to us",
        )
    return ok(name, "we may delete messages")


def _refused(error: ClientError, url: str) -> Finding:
    code = _code(error)
    if "AccessDenied" in code:
        return warning(
            "sqs",
            f"we may not see the queue's attributes ({code})",
            "allow sqs:GetQueueAttributes, for this command; the door itself needs it not",
        )
    if "NonExistentQueue" in code or "QueueDoesNotExist" in code:
        return problem("sqs", f"there is no queue {url}", "set BRIDGE_SQS__QUEUE_URL and AWS_DEFAULT_REGION")
    return problem(
        "sqs", f"SQS refuses: {code}", "see AWS's credentials, AWS_DEFAULT_REGION and the queue's URL"
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
