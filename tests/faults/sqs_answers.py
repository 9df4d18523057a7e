"""SQS answers late, with errors, with half a success, or with what it has given before."""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import web

from bridge.sandbox.dice import Dice
from tests.faults.base import Fault, Setup, Site
from tests.faults.proxy import Forward, Meddle, passing, slow

SQS: Final = Setup(door="sqs", sqs_proxy=True)
CONTENT_TYPE: Final = "application/x-amz-json-1.0"


class SqsFault(Fault):
    """What all have in common."""

    setup: Final = SQS

    def meddle(self) -> Meddle:
        """What is done to the answers."""
        raise NotImplementedError

    def begin(self, site: Site) -> None:
        site.sqs.meddle = self.meddle()

    def mend(self, site: Site) -> None:
        site.sqs.meddle = passing


class SqsDeletesHalf(SqsFault):
    """DeleteMessageBatch answers 200, and has not deleted every second message."""

    name = "SQS deletes half, with 200"

    def meddle(self) -> Meddle:
        async def meddle(request: web.Request, body: bytes, forward: Forward) -> web.Response:
            if not _is(request, "DeleteMessageBatch"):
                return await forward(body)
            document = orjson.loads(body)
            kept, document["Entries"] = document["Entries"][::2], document["Entries"][1::2]
            answer: dict[str, Any] = {"Successful": []}
            if document["Entries"]:
                answer = orjson.loads(_content(await forward(orjson.dumps(document))))
            told = {"Code": "InternalError", "SenderFault": False, "Message": "try again"}
            answer["Failed"] = [{"Id": entry["Id"], **told} for entry in kept]
            return web.Response(body=orjson.dumps(answer), content_type=CONTENT_TYPE)

        return meddle


class SqsSlow(SqsFault):
    """Every call takes five seconds more."""

    name = "SQS slow"

    def meddle(self) -> Meddle:
        return slow(5)


class SqsThrottled(SqsFault):
    """Seven calls in ten are too many."""

    name = "SQS throttled"

    def meddle(self) -> Meddle:
        dice = Dice("throttle")
        refusal = orjson.dumps({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow down"})

        async def meddle(_: web.Request, body: bytes, forward: Forward) -> web.Response:
            if dice.chance(0.7):
                return web.Response(status=400, body=refusal, content_type=CONTENT_TYPE)
            return await forward(body)

        return meddle


class SqsRedelivers(SqsFault):
    """What was received is given out a second time, while the first is still in hand or just deleted."""

    name = "SQS redelivers"

    def meddle(self) -> Meddle:
        given: asyncio.Queue[bytes] = asyncio.Queue()

        async def meddle(request: web.Request, body: bytes, forward: Forward) -> web.Response:
            if not _is(request, "ReceiveMessage"):
                return await forward(body)
            if not given.empty():
                return web.Response(body=given.get_nowait(), content_type=CONTENT_TYPE)
            answer = await forward(body)
            if b'"Messages"' in _content(answer):
                given.put_nowait(_content(answer))
            return answer

        return meddle


def _is(request: web.Request, operation: str) -> bool:
    return request.headers.get("X-Amz-Target", "").endswith(f".{operation}")


def _content(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body
