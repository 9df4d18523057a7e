"""`canvas-bridge check` against an engine, and /status of a door at work."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest

from bridge.sandbox.engines.base import Engine
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from tests.integration.conftest import TopicMaker
from tests.integration.door_process import DoorProcess

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "636161780776"}, "Action": "sqs:*", "Resource": "*"}
    ],
}


def check(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """The command, ended: exit status, output and errors."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "check", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


def found(output: str) -> dict[str, Any]:
    return {each["name"]: each for each in orjson.loads(output)["findings"]}


@pytest.fixture
def canvas_queue(engine: Engine) -> Iterator[str]:
    """A queue as Canvas's guide wants it, as far as the engine's SQS can keep that."""
    client: Any = engine.addresses.sqs()
    name = f"canvas-live-events-{time.time_ns()}"
    url = client.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    if engine.name == "embedded":
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": orjson.dumps(POLICY).decode()})
    yield url
    client.delete_queue(QueueUrl=url)
    client.close()


def test_a_site_that_works_has_no_problem(
    engine: Engine, environment: dict[str, str], make_topic: TopicMaker, canvas_queue: str, tmp_path: Path
) -> None:
    make_topic("raw", 4)
    keys = SigningKeys.generate()
    with JwksServer(keys) as canvas:
        own = {
            "BRIDGE_SQS__QUEUE_URL": canvas_queue,
            "BRIDGE_WEBHOOK__JWKS_URL": canvas.url,
            "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS": "one",
            "BRIDGE_STATE_DIRECTORY": str(tmp_path),
        }
        status, output, errors = check({**environment, **own}, "--json")
    assert (status, errors) == (0, ""), output
    findings = found(output)
    good = ["kafka", "raw topic partitions", "webhook authentication", "state directory", "jwks", "clock"]
    good += ["sqs", "sqs name", "sqs permission", "sqs polling"]
    assert {name: findings[name]["outcome"] for name in good} == dict.fromkeys(good, "ok")
    told = findings["schema registry"]
    assert (told["outcome"], "has no subject" in told["finding"]) == ("warning", True)
    if engine.creates_topics:
        told = {name: each["outcome"] for name, each in findings.items() if name.startswith("raw topic ")}
        assert told["raw topic permission"] == told["raw topic time"] == told["raw topic retention"] == "ok"
        # Kafka's own defaults, which `canvas-processors topics create` does not leave as they are
        assert told["raw topic max.message.bytes"] == told["raw topic copies"] == "warning"
    else:
        assert findings["raw topic settings"]["outcome"] == "skipped"


def test_what_is_not_there_is_told_with_the_remedy(environment: dict[str, str], engine: Engine) -> None:
    own = {
        "BRIDGE_SQS__QUEUE_URL": engine.addresses.sqs_endpoint_url + "/000000000000/canvas-live-events-none"
    }
    status, output, errors = check({**environment, **own}, "sqs", "--json")
    assert (status, errors) == (1, "")
    findings = found(output)
    assert findings["raw topic"]["outcome"] == "problem"
    assert "canvas-processors topics create" in findings["raw topic"]["remedy"]
    assert findings["sqs"]["outcome"] == "problem"
    assert "BRIDGE_SQS__QUEUE_URL" in findings["sqs"]["remedy"]
    assert findings["jwks"]["outcome"] == "skipped"
    status, output, _ = check({**environment, **own}, "sqs")
    assert status == 1
    assert "canvas-processors topics create" in " ".join(output.split())
    assert output.splitlines()[-1].startswith("problem: 2, ")


def test_a_door_tells_its_status_and_keeps_its_budget(
    environment: dict[str, str], make_topic: TopicMaker, tmp_path: Path
) -> None:
    make_topic("raw", 4)
    own = {**environment, "BRIDGE_STATE_DIRECTORY": str(tmp_path / "state")}
    with DoorProcess("webhook", own, tmp_path / "log") as door:
        assert post(door, b"{}") == 202
        assert post(door, b"x" * 1_100_000) == 413
        status = orjson.loads(door.get("/status"))
        assert status["door"] == {"name": "webhook", "live": True, "ready": True}
        assert (status["kafka"]["state"], status["kafka"]["waiting"]) == ("answers", 0)
        assert status["budget"]["failure"] == {
            "used": 1,
            "limit": 28_000,
            "share": 0.0,
            "reasons": {"too_large": 1},
        }
        assert 'canvas_bridge_delivery_budget_used{kind="failure"} 1.0' in door.get("/metrics")
        assert door.get("/healthz") == door.get("/readyz") == "ok\n"
        assert door.stop() == 0, door.log()
        door.start()
        assert orjson.loads(door.get("/status"))["budget"]["failure"]["used"] == 1
        assert "taken up from" in door.log()


def post(door: DoorProcess, body: bytes) -> int:
    try:
        with urlopen(Request(door.url, data=body), timeout=60) as answer:
            status: int = answer.status
            return status
    except HTTPError as error:
        with error:
            return error.code
