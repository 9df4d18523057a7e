"""A door as a process of its own, and what it has stored."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

from confluent_kafka import Consumer, KafkaError, TopicPartition

from bridge.contract import RawEvent
from bridge.sandbox.engines.ports import free_ports

COMMAND = (str(Path(sys.executable).with_name("canvas-bridge")),)
HASTY = (sys.executable, str(Path(__file__).with_name("hasty_door.py")))
PATIENCE = 120.0


def free_port() -> int:
    """A port that stays free while its process is killed and started again."""
    return free_ports(1)[0]


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition with a generous limit."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.02)


def told_by(admin_port: int, path: str) -> str:
    """What an admin port on this machine answers; empty where it does not."""
    try:
        with urlopen(f"http://127.0.0.1:{admin_port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (URLError, ConnectionError, TimeoutError):
        return ""


class DoorProcess:
    """`canvas-bridge webhook` or `sqs` on ports of its own, started again and again with the same."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        log: Path,
        program: Sequence[str] = COMMAND,
        port: int | None = None,
    ) -> None:
        self.port, self.admin_port = port or free_port(), free_port()
        self._command = [*program, name]
        self._log = log
        self._environment = {
            **os.environ,
            "BRIDGE_ADMIN__PORT": str(self.admin_port),
            "BRIDGE_WEBHOOK__PORT": str(self.port),
            "BRIDGE_WEBHOOK__ACCEPT": "plain",
            "BRIDGE_SQS__WAIT_SECONDS": "1",
            "BRIDGE_SQS__VISIBILITY_SECONDS": "30",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Returns once the process is ready."""
        self.launch()
        wait_for(lambda: self.ended() is not None or self.get("/healthz/ready") == "ok\n", "readiness")
        assert self.ended() is None, self.log()

    def launch(self) -> None:
        """Starts the process and does not wait."""
        assert self.ended() is not None or self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self._process:
            self._process.kill()
            self._process.wait(PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks the process to end; its exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)

    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str) -> str:
        """What the admin port answers; empty where it does not."""
        return told_by(self.admin_port, path)

    def ended(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll() if self._process else None


@contextmanager
def reading(servers: str, topic: str) -> Iterator[Consumer]:
    """A consumer of all partitions from their beginning, that belongs to no group."""
    config = {
        "bootstrap.servers": servers,
        "group.id": "reader",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    with Consumer(config) as consumer:
        partitions = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        yield consumer


def records_of(servers: str, topic: str) -> list[RawEvent]:
    """Every record of the topic."""
    found: list[RawEvent] = []
    with reading(servers, topic) as consumer:
        waiting = {partition.partition for partition in consumer.assignment()}
        while waiting:
            message = consumer.poll(PATIENCE)
            assert message is not None, "Kafka did not answer"
            error = message.error()
            if error is None:
                headers: Any = message.headers() or ()
                found.append(
                    RawEvent(message.value() or b"", message.key(), tuple(headers), message.timestamp()[1])
                )
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                waiting.discard(message.partition() or 0)
    return found
