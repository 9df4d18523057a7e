"""SQS's JSON protocol over aiohttp, signed by botocore, which also finds region, endpoint and credentials.

boto3 in threads takes three times the CPU per message: it builds, validates and parses by a model at run
time, and its threads contend with the event loop. Retrying is the caller's, who knows what may be repeated.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import get_session

from bridge.ingress.base import DoorBroken

CONNECT_SECONDS: Final = 5.0
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
MAX_IDLE_SECONDS: Final = 15.0  # of a connection: less than SQS's own


class QueueTrouble(Exception):
    """A call to SQS failed; later it may succeed. The message names the call and SQS's own code."""


class SqsRefused(QueueTrouble):
    """SQS answered with an error; `code` is its name of it, as boto3 has it in `Error.Code`."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.code = code


class SqsCalls:
    """Calls of one region's SQS. `seconds`: the most that one may take."""

    def __init__(self, endpoint_url: str | None, seconds: float) -> None:
        """Raises DoorBroken where there is no region."""
        session = get_session()
        try:
            client = session.create_client("sqs", endpoint_url=endpoint_url)
            self._credentials = session.get_credentials()
        except (BotoCoreError, ValueError) as error:
            raise DoorBroken(
                f"no SQS client: {error} Set AWS_DEFAULT_REGION and AWS's credentials."
            ) from None
        self._url, self._region = client.meta.endpoint_url.rstrip("/") + "/", client.meta.region_name
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
        self._ca: str | None = session.get_config_variable("ca_bundle")
        self._session: aiohttp.ClientSession | None = None

    async def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """SQS's answer. Raises SqsRefused, QueueTrouble, and DoorBroken without credentials."""
        try:
            status, headers, content = await self._post(operation, orjson.dumps(arguments))
        except (aiohttp.ClientError, TimeoutError, OSError, BotoCoreError) as error:
            raise QueueTrouble(f"{operation}: {error or type(error).__name__}") from error
        answer = _parsed(content)
        if status != 200:
            raise SqsRefused(operation, _code(headers, answer) or f"HTTP {status}")
        if not isinstance(answer, dict):
            raise QueueTrouble(f"{operation}: the answer is not SQS's")
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, operation: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        try:
            return await self._post_once(operation, body)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            return await self._post_once(operation, body)  # an idle connection was closed as we took it

    async def _post_once(self, operation: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": CONTENT_TYPE}
        request = AWSRequest("POST", self._url, headers=headers, data=body)
        SigV4Auth(await self._keys(), "sqs", self._region).add_auth(request)
        session = self._session = self._session or self._open()
        async with session.post(
            self._url, data=body, headers=dict(request.headers), allow_redirects=False
        ) as answer:
            return answer.status, answer.headers, await answer.read()

    def _open(self) -> aiohttp.ClientSession:
        secure = self._url.startswith("https:")
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=MAX_IDLE_SECONDS,
            ssl=ssl.create_default_context(cafile=self._ca) if secure else True,
        )
        # A proxy of the environment is for the world outside; plain http is for this network.
        return aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=secure)

    async def _keys(self) -> Any:
        if self._credentials is None:
            raise DoorBroken(
                "no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role."
            )
        refresh_needed = getattr(self._credentials, "refresh_needed", None)
        if refresh_needed is not None and refresh_needed():  # a role's keys, over the network
            return await asyncio.to_thread(self._credentials.get_frozen_credentials)
        return self._credentials.get_frozen_credentials()


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(content)  # takes a lone surrogate, which must not cost the batch
    except ValueError:
        return None


def _code(headers: Mapping[str, str], answer: Any) -> str:
    legacy = headers.get("x-amzn-query-error", "").partition(";")[0]
    kind = answer.get("__type") if isinstance(answer, dict) else None
    return str(legacy or kind or "").rpartition("#")[2]  # ElasticMQ puts the shape's name into both
