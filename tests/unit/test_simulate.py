"""The command `canvas-bridge simulate`: what it writes, reports and refuses, and how it ends."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import jwt
import orjson
import pytest
from click.testing import CliRunner, Result

from bridge.identity import event_id
from bridge.sandbox.feed import Feed, FeedPlan
from bridge.sandbox.jwks_server import keys_of
from bridge.sandbox.simulate import command
from bridge.sandbox.university import ROOT_ACCOUNT

TROUBLE = ("--malformed", "0.1", "--unknown", "0.1", "--duplicates", "0.1")


class Sink(ThreadingHTTPServer):
    """A webhook in a thread that keeps what it gets and answers with `status`."""

    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SinkHandler)
        self.bodies: list[bytes] = []
        self.status = 202
        self.arrived = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class SinkHandler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.arrived.set()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Silence."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def start(*arguments: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "bridge", "simulate", *arguments]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_same_seed_writes_the_same_lines() -> None:
    first, again, other = (simulate("--stdout", "--count", "200", "--seed", seed, *TROUBLE) for seed in "778")
    assert first.exit_code == 0
    assert first.stdout_bytes == again.stdout_bytes != other.stdout_bytes
    assert first.stdout_bytes.count(b"\n") > 200


def test_lines_are_the_payloads_of_the_feed_from_the_time_asked_for() -> None:
    result = simulate(
        "--stdout", "--count", "50", "--start", "2025-01-02T03:04:05+00:00", "--format", "canvas",
        "--malformed", "0", "--unknown", "0",
    )  # fmt: skip
    times = sorted(json.loads(line)["metadata"]["event_time"] for line in result.stdout.splitlines())
    assert times[0].startswith("2025-01-02T03:0")


def test_only_the_events_asked_for_are_written() -> None:
    names = ("--event", "course_progress", "--event", "outcomes.retry_outcome_alignment_clone")
    result = simulate("--stdout", "--count", "40", "--malformed", "0", "--unknown", "0", *names)
    told = {json.loads(line)["metadata"]["event_name"] for line in result.stdout.splitlines()}
    assert told == set(names) - {"--event"}


def test_plain_deliveries_and_the_report_tell_the_same(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    result = simulate(
        "--to", sink.url, "--plain", "--count", "300", "--seed", "7", "--report", str(path), *TROUBLE
    )
    assert result.exit_code == 0, result.output
    plan = FeedPlan(count=300, seed=7, malformed=0.1, unknown=0.1, duplicates=0.1, disorder=0.1)
    deliveries = list(Feed(plan))
    assert sorted(sink.bodies) == sorted(delivery.payload for delivery in deliveries)
    report = json.loads(path.read_text())
    assert report["accepted"] == len(sink.bodies) == report["accepted_by_door"][sink.url]
    assert report["event_ids"] == sorted({event_id(body) for body in sink.bodies})
    parts = report["malformed"] + report["unknown"] + sum(report["by_event_name"].values())
    assert parts == 300 == report["accepted"] - report["duplicates"]
    assert report["seed"] == 7
    assert report["root_account_uuid"] == ROOT_ACCOUNT.uuid
    assert f"accepted {report['accepted']} = " in result.output


def test_signed_deliveries_verify_with_the_published_keys(sink: Sink, tmp_path: Path) -> None:
    private, public, report = (tmp_path / name for name in ("private.json", "public.json", "report.json"))
    files = ("--key-file", str(private), "--jwks-file", str(public), "--report", str(report))
    result = simulate("--to", sink.url, "--count", "60", "--seed", "7", *files, *TROUBLE)
    assert result.exit_code == 0, result.output
    keys = jwt.PyJWKSet.from_json(public.read_text())
    payloads = []
    for body in sink.bodies:
        token = body.strip(b'"').decode()
        key = keys[jwt.get_unverified_header(token)["kid"]]
        payloads.append(jwt.api_jws.decode(token, key, algorithms=["RS256"]))
    identities = sorted({event_id(payload) for payload in payloads})
    assert json.loads(report.read_text())["event_ids"] == identities
    assert keys_of(private).public() == public.read_bytes()


def test_the_exit_status_tells_of_what_was_given_up(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sandbox.outbox.LONGEST_WAIT_SECONDS", 0.001)
    sink.status = 500
    result = simulate("--to", sink.url, "--plain", "--count", "2", "--duplicates", "0")
    assert result.exit_code == 1
    assert len(sink.bodies) == 8
    assert "8 tries refused with 500" in result.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ([], "--to URL"),
        (["--to", "localhost:8080"], "write http://host:port/path"),
        (["--to", "http://127.0.0.1:1/"], "give --jwks-port"),
        (["--stdout", "--start", "tomorrow"], "write 2026-03-02T08:00:00Z"),
        (["--stdout", "--format", "xml"], "caliper"),
        (["--stdout", "--event", "course_progres"], "see course_progress"),
        (["--stdout", "--event", "heartbeat", "--format", "caliper"], "give --format canvas"),
        (["--stdout", "--duplicates", "2"], "0<=x<=1"),
    ],
)
def test_misuse_names_the_remedy(arguments: list[str], remedy: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert remedy in result.stderr


def test_a_key_file_of_something_else_and_a_taken_port_are_explained(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    result = simulate("--to", sink.url, "--key-file", str(path))
    assert (result.exit_code, "keys.json" in result.stderr) == (1, True)
    result = simulate("--serve-jwks", "--jwks-port", str(sink.server_port))
    assert result.exit_code == 1
    assert "Give another --jwks-port" in result.stderr


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_the_key_server_serves_until_it_is_stopped(tmp_path: Path, signal_: signal.Signals) -> None:
    path = tmp_path / "keys.json"
    with start("--serve-jwks", "--jwks-port", "0", "--key-file", str(path)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("public keys at ")
        with urlopen(url) as response:
            assert orjson.loads(response.read()) == orjson.loads(keys_of(path).public())
        process.send_signal(signal_)
        assert process.wait(30) == 0


def test_what_was_accepted_is_told_even_when_interrupted(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    arguments = ("--to", sink.url, "--plain", "--rate", "20", "--count", "100000", "--report", str(path))
    with start(*arguments) as process:
        assert sink.arrived.wait(60)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Deliveries" in output
    assert not errors
    assert json.loads(path.read_text())["accepted"] <= len(sink.bodies)
