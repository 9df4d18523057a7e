"""Secrets in every form and place go through every path; none is on any topic, log, page, disk or trace."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.redact import MASK
from bridge.sandbox.engines.base import Engine
from tests.integration.canaries import FORMS, Canaries, Findings, forgeries, found_in
from tests.integration.canvas_side import CanvasQueue
from tests.integration.collector import Collector, collecting
from tests.integration.door_process import DoorProcess, free_port, wait_for
from tests.integration.engine_kafka import without_containers
from tests.integration.worker_process import Stream
from tests.unit.doors import ISSUER, serving_jwks, sign

LIMIT = 1_048_576


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


class Post:
    """Posts to a webhook, and remembers how it was answered."""

    def __init__(self, door: DoorProcess) -> None:
        self._port = door.port
        self.answers: list[bytes] = []

    def __call__(self, body: bytes, path: str = "/", method: str = "POST", **headers: str) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.answers += [answer.read(), str(answer.getheaders()).encode()]
            return answer.status

    def raw(self, *parts: bytes) -> None:
        """Bytes as they are, and what comes back."""
        with socket.create_connection(("127.0.0.1", self._port), 60) as connection:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            try:
                while content := connection.recv(65_536):
                    self.answers.append(content)
            except ConnectionResetError:
                pass


def refusals(post: Post, path: str, canaries: Canaries) -> None:
    """Every way to be refused by a plain door that takes what is posted to `path`."""
    secret = canaries.secret
    event = json.dumps(canaries.canvas(FORMS[0])).encode()
    assert post(event, f"/elsewhere?access_token={secret()}") == 404
    assert post(event, f"/{secret()}") == 404
    assert post(b"", f"{path}?access_token={secret()}", "GET") == 405
    assert post(event + b" " * LIMIT, path) == 413
    headers = {"Content-Encoding": "gzip", "Authorization": f"Bearer {secret()}"}
    assert post(event, path, **headers) == 400
    post.raw(
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(event) + 9), event
    )
    post.raw(
        b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" % path.encode(), event
    )
    post.raw(f"POST /?token={secret()} NONSENSE\r\nCookie: token={secret()}\r\n\r\n".encode())
    post.raw(f"?token={secret()}\r\n\r\n".encode())


def through_a_plain_webhook(
    environment: dict[str, str], log: Path, canaries: Canaries, found: Findings
) -> int:
    """How many events it has accepted."""
    key = canaries.secret()
    accepted = 0
    with DoorProcess("webhook", {**environment, "BRIDGE_WEBHOOK__SECRET": key}, log) as door:
        post = Post(door)
        for payload in canaries.payloads():
            context = {name: f"00-{canaries.secret()}" for name in ("traceparent", "tracestate", "baggage")}
            assert post(payload, f"/{key}?token={canaries.secret()}", **context) == 202
            accepted += 1
        refusals(post, f"/{key}", canaries)
        found.pages("plain", door.get)
        assert door.stop() == 0, door.log()
    found.tell("plain answers", b"\n".join(post.answers))
    found.tell("plain log", door.log())
    return accepted


def through_a_signed_webhook(
    environment: dict[str, str], log: Path, canaries: Canaries, found: Findings
) -> int:
    """How many events it has accepted."""

    def deliver(door: DoorProcess) -> int:
        door.start()
        try:
            post, accepted = Post(door), 0
            for payload in canaries.payloads(every=3):
                claims = b'{"iss":"%b",' % ISSUER.encode() + payload[1:] if payload[:1] == b"{" else payload
                assert post(sign(claims)) == 202
                accepted += 1
            assert {post(forgery) for forgery in forgeries(canaries)} == {401}
            found.pages("signed", door.get)
            found.tell("signed answers", b"\n".join(post.answers))
            assert door.stop() == 0, door.log()
        finally:
            door.kill()
        found.tell("signed log", door.log())
        return accepted

    async def scenario() -> int:
        async with serving_jwks() as canvas:
            own = {"BRIDGE_WEBHOOK__ACCEPT": "signed", "BRIDGE_WEBHOOK__JWKS_URL": canvas.url}
            return await asyncio.to_thread(deliver, DoorProcess("webhook", {**environment, **own}, log))

    return asyncio.run(scenario())


def through_sqs(
    environment: dict[str, str], log: Path, canaries: Canaries, found: Findings, queue: CanvasQueue
) -> int:
    """How many messages it has taken."""
    payloads = [payload for payload in canaries.payloads(every=3) if payload.isascii()]
    names = ("event_name", "event_time")
    for payload in payloads:
        texts = ("asset_accessed", "2026-03-03T08:11:40.655Z")
        if b"never_heard_of" in payload:
            texts = (canaries.sing(FORMS[1]), canaries.sing(FORMS[1]))
        attributes = {
            name: {"DataType": "String", "StringValue": text} for name, text in zip(names, texts, strict=True)
        }
        queue.client.send_message(
            QueueUrl=queue.url, MessageBody=payload.decode(), MessageAttributes=attributes
        )
    with DoorProcess("sqs", environment, log) as door:
        wait_for(lambda: queue.left() == 0, "the queue to be empty")
        found.pages("sqs", door.get)
        assert door.stop() == 0, door.log()
    found.tell("sqs log", door.log())
    return len(payloads)


def while_kafka_is_away(
    environment: dict[str, str], folder: Path, canaries: Canaries, found: Findings
) -> None:
    """One webhook without a spool refuses, another spools."""
    away = {
        **environment,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "KAFKA_DELIVERY_TIMEOUT_SECONDS": "1",
        "BRIDGE_SPOOL__KAFKA_SECONDS": "0.1",
        "BRIDGE_SPOOL__DRAIN_SECONDS": "0",
    }
    payloads = list(canaries.payloads(every=9))
    for name, own, status in (
        ("refusing", {}, 503),
        ("spooling", {"BRIDGE_SPOOL__DIRECTORY": str(folder / "spool")}, 202),
    ):
        with DoorProcess("webhook", {**away, **own}, folder / name) as door:
            post = Post(door)
            assert {post(payload) for payload in (payloads if own else payloads[:2])} == {status}
            found.pages(name, door.get)
            if own:
                # As a thief of the disk reads it, in the midst of work.
                kept = [path.read_bytes() for path in (folder / "spool").rglob("*") if path.is_file()]
                found.tell("spool", b"\n".join(kept))
        found.tell(f"{name} log", door.log())


def through_the_worker(stream: Stream, found: Findings) -> None:
    with stream.worker(ROLLUPS="false") as worker:
        stream.wait_until_processed()
        found.pages("worker", worker.get)
        assert worker.stop() == 0, worker.log()
    found.tell("worker log", worker.log())


def tell_traces(collector: Collector, found: Findings, accepted: int) -> None:
    """Of what was accepted each has its spans: towards Kafka, and in the worker."""
    spans = collector.spans()
    for kind in ("PRODUCER", "CONSUMER"):
        assert sum(span.kind == kind for span in spans) >= accepted, kind
    assert {"404", "405", "413", "401", "503"} <= {
        span.told.get("http.response.status_code") for span in spans
    }
    found.tell("traces", collector.everything)


@without_containers
def test_no_canary_is_found_anywhere_but_the_harmless_ones(
    engine: Engine, environment: dict[str, str], canaries: Canaries, collector: Collector, tmp_path: Path
) -> None:
    traced = {**environment, **collector.environment, "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
    loud = {**traced, "LOG_LEVEL": "DEBUG", "BRIDGE_REDACT__QUERY_KEYS": "pin"}
    stream, found = Stream(loud, tmp_path), Findings()
    queue = CanvasQueue(engine, environment["BRIDGE_SQS__QUEUE_URL"])
    with closing(queue.client):
        accepted = through_a_plain_webhook(loud, tmp_path / "plain", canaries, found)
        accepted += through_a_signed_webhook(loud, tmp_path / "signed", canaries, found)
        accepted += through_sqs(loud, tmp_path / "sqs", canaries, found, queue)
    through_the_worker(stream, found)
    found.topics(stream.servers, stream.prefix)
    # After the topics are read: what these doors get is for nobody, or for the disk.
    away = Canaries()
    while_kafka_is_away(loud, tmp_path, away, found)
    tell_traces(collector, found, accepted)

    everything = found.records | found.told
    secrets = canaries.secrets | away.secrets
    assert {
        name: [line[:500] for line in text.splitlines() if found_in(line, secrets)]
        for name, text in everything.items()
        if found_in(text, secrets)
    } == {}
    # The test can fail: what is no secret came through to every kind of record, and into the spool …
    for name in ("raw", "asset_accessed", "unknown", "dead_letter"):
        assert found_in(found.records[name], canaries.harmless), name
        assert MASK in found.records[name], name
    assert found_in(found.told["spool"], away.harmless)
    assert found.records["raw"].count(b"'ce_id'") == accepted
    # … and no payload is told to an operator, not even of what is harmless.
    harmless = canaries.harmless | away.harmless
    told = {name: text for name, text in found.told.items() if name != "spool"}
    assert all(told.values())
    assert {name for name, text in told.items() if found_in(text, harmless)} == set()
