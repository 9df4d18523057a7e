"""Each door gets what Canvas would send, and its answers are understood."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import jwt
import orjson
import pytest
from aiohttp import web

from bridge.sandbox.delivery import Delivery
from bridge.sandbox.dice import Dice
from bridge.sandbox.jwks_server import SigningKeys
from bridge.sandbox.senders import ISSUER, Answer, PlainWebhook, Sender, SignedWebhook, SqsQueue
from tests.unit.walls import Wall, deliver_to, event, received, sqs_client, webhook

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

KEYS = SigningKeys.generate()


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator["SQSClient"]:
    with sqs_client(monkeypatch) as client:
        yield client


def signed(url: str) -> Sender:
    return SignedWebhook(url, KEYS, Dice("signatures/test"))


def test_a_plain_webhook_gets_the_very_bytes_as_json() -> None:
    wall, deliveries = Wall(), [event(number) for number in range(40)]
    receipts = deliver_to(wall, deliveries)
    assert sorted(wall.bodies) == sorted(delivery.payload for delivery in deliveries)
    assert set(wall.types) == {"application/json"}
    assert receipts.accepted.total() == receipts.sent.total() == 40


def test_a_signed_webhook_gets_tokens_bare_and_quoted_that_hold_the_payload() -> None:
    wall, deliveries = Wall(), [event(number) for number in range(40)]
    deliver_to(wall, deliveries, signed)
    public = jwt.PyJWKSet.from_json(KEYS.public().decode())
    quoted, payloads = 0, []
    for body in wall.bodies:
        quoted += body.startswith(b'"')
        token = body.strip(b'"').decode()
        header = jwt.get_unverified_header(token)
        assert (header["alg"], header["typ"]) == ("RS256", "JWT")
        claims = jwt.decode(token, public[header["kid"]], algorithms=["RS256"], issuer=ISSUER)
        payloads.append(orjson.dumps({"metadata": claims["metadata"], "body": claims["body"]}))
    assert sorted(payloads) == sorted(delivery.payload for delivery in deliveries)
    assert 0 < quoted < 40


@pytest.mark.parametrize(
    "payload", [b"\xff\xfe", b'{"metadata":{"event_na', b'["no object"]', b"{}", b'{"a":"\xff"}']
)
def test_broken_content_is_signed_as_it_is(payload: bytes) -> None:
    wall = Wall()
    receipts = deliver_to(wall, [Delivery(payload, None, None)], signed)
    (body,) = wall.bodies
    kid, key = KEYS.current
    token = jwt.api_jws.decode_complete(body.strip(b'"'), key.public_key(), algorithms=["RS256"])
    assert token["header"]["kid"] == kid
    assert token["payload"].endswith(payload.removeprefix(b"{") if payload.startswith(b'{"') else payload)
    assert receipts.accepted.total() == 1


def test_silence_is_a_timeout_and_nobody_there_a_refusal() -> None:
    async def run() -> list[Answer]:
        never = asyncio.Event()

        async def silent(_: web.Request, __: bytes) -> web.Response:
            await never.wait()
            return web.Response()

        async with webhook(silent) as url:
            door = PlainWebhook(url, timeout=0.05)
            answers = await door.send([event(1)])
            await door.close()
            never.set()
        door = PlainWebhook(url)
        answers += await door.send([event(1)])
        await door.close()
        return answers

    slow, closed = asyncio.run(run())
    assert (slow.accepted, slow.status) == (False, "timeout")
    assert (closed.accepted, closed.status) == (False, "ClientConnectorError")


def send_to_queue(url: str, deliveries: Sequence[Delivery]) -> list[Answer]:
    async def run() -> list[Answer]:
        door = SqsQueue(url)
        answers = await door.send(deliveries)
        await door.close()
        return answers

    return asyncio.run(run())


def test_a_queue_gets_one_event_a_message_with_its_name_and_time_as_attributes(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="canvas-live-events-test")["QueueUrl"]
    deliveries = [event(number) for number in range(9)]
    nameless = Delivery(b'{"metadata":{}}', None, None)
    answers = send_to_queue(url, [*deliveries, nameless])
    assert [(answer.accepted, answer.status) for answer in answers] == [(True, "ok")] * 10
    messages = {message["Body"]: message.get("MessageAttributes", {}) for message in received(sqs, url)}
    for delivery in deliveries:
        assert messages.pop(delivery.payload.decode()) == {
            "event_name": {"DataType": "String", "StringValue": "logged_out"},
            "event_time": {"DataType": "String", "StringValue": delivery.event_time},
        }
    assert messages == {'{"metadata":{}}': {}}


def test_large_messages_go_in_several_calls(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="canvas-live-events-large")["QueueUrl"]
    large = [Delivery(b'{"n":%d,"x":"%s"}' % (number, b"x" * 200_000), None, None) for number in range(9)]
    answers = send_to_queue(url, large)
    assert [answer.payload for answer in answers] == [delivery.payload for delivery in large]
    assert all(answer.accepted for answer in answers)
    assert len(received(sqs, url)) == 9


def test_a_queue_that_is_not_there_refuses_by_the_code_of_sqs(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="canvas-live-events-gone")["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    (answer,) = send_to_queue(url, [event(1)])
    assert not answer.accepted
    assert "NonExistentQueue" in answer.status or "QueueDoesNotExist" in answer.status
