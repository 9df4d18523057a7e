"""`canvas-bridge sandbox` as a person runs it: in a process of its own, until Ctrl-C."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient

START_SECONDS = 300.0
STOP_SECONDS = 60.0


class Sandbox:
    """The command, and what it wrote."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.env_file = folder / "sandbox.env"
        self.output = folder / "output"
        command = [sys.executable, "-m", "bridge", "sandbox", "--env-file", str(self.env_file), *arguments]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def variables(self) -> dict[str, str]:
        """What it exports, as soon as it does."""
        deadline = time.monotonic() + START_SECONDS
        while not self.env_file.exists():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)
        words = shlex.split(self.env_file.read_text())
        return dict(word.split("=", 1) for word in words if word != "export")

    def end(self, number: signal.Signals) -> int:
        """Its exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.mark.parametrize(
    ("engine", "number"),
    [
        pytest.param("embedded", signal.SIGINT, marks=pytest.mark.engine_embedded),
        pytest.param("embedded", signal.SIGTERM, marks=pytest.mark.engine_embedded),
        pytest.param("real", signal.SIGINT, marks=pytest.mark.engine_processes),
    ],
)
def test_what_it_exports_can_be_used_until_it_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, number: signal.Signals
) -> None:
    sandbox = Sandbox(tmp_path, "--engine", engine)
    try:
        variables = sandbox.variables()
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        admin = AdminClient({"bootstrap.servers": variables["KAFKA_BOOTSTRAP_SERVERS"], "log_level": 2})
        assert len(admin.list_topics(timeout=30).brokers) == 1
        with SchemaRegistryClient({"url": variables["SCHEMA_REGISTRY_URL"], "timeout": 30}) as registry:
            assert registry.get_compatibility() == "FULL_TRANSITIVE"
        sqs = boto3.client("sqs")  # from the variables alone
        assert sqs.list_queues()["QueueUrls"] == [variables["BRIDGE_SQS__QUEUE_URL"]]
        sqs.close()
        assert sandbox.end(number) == 0
    finally:
        sandbox.process.kill()
        sandbox.process.wait()
    addresses = [urlsplit(variables[name]).netloc for name in ("SCHEMA_REGISTRY_URL", "AWS_ENDPOINT_URL_SQS")]
    assert not any(is_open(address) for address in [*addresses, variables["KAFKA_BOOTSTRAP_SERVERS"]])
    assert not sandbox.env_file.exists()
    shown = sandbox.output.read_text()
    assert all(f"export {name}=" in shown for name in variables)
    assert "Everything is stopped." in shown


@pytest.mark.engine_processes
def test_a_part_that_ends_by_itself_ends_the_sandbox_with_the_reason(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, "--engine", "real", "--state-dir", str(tmp_path / "state"))
    try:
        sandbox.variables()
        (log,) = (tmp_path / "state").glob("run-*/sqs.log")
        done = subprocess.run(
            ["pgrep", "-f", str(log.with_name("sqs.conf"))], capture_output=True, text=True, check=True
        )
        (pid,) = done.stdout.split()
        os.kill(int(pid), signal.SIGKILL)
        assert sandbox.process.wait(STOP_SECONDS) == 1
    finally:
        sandbox.process.kill()
        sandbox.process.wait()
    shown = sandbox.output.read_text()
    assert "ElasticMQ 1.7.1 ended with status -9. The end of" in shown
    assert "Traceback" not in shown
    assert not sandbox.env_file.exists()


@pytest.mark.engine_processes
def test_nothing_is_left_of_a_sandbox_that_was_killed(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, "--engine", "real")
    try:
        variables = sandbox.variables()
    finally:
        sandbox.process.kill()
        sandbox.process.wait()
    deadline = time.monotonic() + STOP_SECONDS
    while is_open(variables["KAFKA_BOOTSTRAP_SERVERS"]):
        assert time.monotonic() < deadline, "Kafka outlived the sandbox"
        time.sleep(0.05)
