"""The worker as a process of its own, raw events for it, and what it made of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bridge.identity import event_id
from tests.integration.door_process import PATIENCE, free_port, told_by, wait_for
from tests.integration.prepared import prepare

TIMEOUT = 30.0
PROGRAM = (sys.executable, "-m", "processors")


@dataclass
class Stream:
    """The topics of one test on one engine: raw events go in, typed records come out."""

    environment: dict[str, str]
    folder: Path
    servers: str = field(init=False)
    prefix: str = field(init=False)
    group: str = field(init=False)
    _partitions: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.servers = self.environment["KAFKA_BOOTSTRAP_SERVERS"]
        self.prefix = self.environment["KAFKA_TOPIC_PREFIX"]
        self.group = self.prefix.rstrip(".")
        self.environment = {
            **self.environment,
            "PROCESSORS_GROUP_ID": self.group,
            "PROCESSORS_DATA_DIR": str(self.folder / "data"),
            "PROCESSORS_SESSION_TIMEOUT_SECONDS": "6",
            "PROCESSORS_TOPICS__PARTITIONS": "4",
        }
        prepare(self.environment)

    def worker(self, name: str = "one", program: Sequence[str] = PROGRAM, **more: str) -> "WorkerProcess":
        """A worker of the group, not started; `more`: variables of its own, without PROCESSORS_."""
        own = {f"PROCESSORS_{key}": value for key, value in more.items()}
        environment = {**self.environment, "PROCESSORS_INSTANCE_ID": name, **own}
        return WorkerProcess(environment, self.folder / name, program)

    def feed(self, first: int, count: int) -> set[str]:
        """Writes the raw events of these numbers, always the same for a number; their event_ids."""
        ids = set()
        config = {
            "bootstrap.servers": self.servers,
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
        with Producer(config) as producer:
            for number in range(first, first + count):
                value = json.dumps(delivery(number)).encode()
                ids.add(event_id(value))
                producer.produce(f"{self.prefix}raw", value, event_id(value).encode())
                producer.poll(0)
            assert producer.flush(PATIENCE) == 0
        return ids

    def typed(self, event_name: str = "course_updated", isolation: str = "read_committed") -> Counter[str]:
        """How often each event_id stands in a typed topic."""
        config = {
            "bootstrap.servers": self.servers,
            "group.id": "reader",
            "isolation.level": isolation,
            "enable.partition.eof": True,
        }
        found: Counter[str] = Counter()
        with Consumer(config) as consumer:
            consumer.assign(
                [TopicPartition(part.topic, part.partition, 0) for part in self._parts(event_name)]
            )
            waiting = {part.partition for part in self._parts(event_name)}
            while waiting:
                for message in consumer.consume(1000, 1.0):
                    error = message.error()
                    if error is None:
                        found[dict(message.headers() or ())["ce_id"].decode()] += 1  # type: ignore[union-attr]
                    else:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                        waiting.discard(message.partition() or 0)
        return found

    @cached_property
    def _watcher(self) -> Consumer:
        # It reads uncommitted: else it would wait for the end of every open transaction.
        config = {"group.id": self.group, "isolation.level": "read_uncommitted"}
        return Consumer({"bootstrap.servers": self.servers, **config})

    def written(self, name: str) -> int:
        """The sum of the end offsets of a topic, committed or not."""
        ends: list[int] = []

        def known() -> bool:
            try:
                ends[:] = [
                    self._watcher.get_watermark_offsets(part, TIMEOUT)[1] for part in self._parts(name)
                ]
            except KafkaException:  # the partition's leader has just come back
                return False
            return True

        wait_for(known, f"the end of {name}")
        return sum(ends)

    def committed(self) -> int:
        """The sum of the group's offsets in the raw topic; -1 while its coordinator moves."""
        try:
            parts = self._watcher.committed(self._parts("raw"), TIMEOUT)
        except KafkaException:
            return -1
        return -1 if any(part.error for part in parts) else sum(max(0, part.offset) for part in parts)

    def wait_until_processed(self) -> None:
        """Until the group has committed all of the raw topic, as long as it goes on."""
        end, before, limit = self.written("raw"), 0, time.monotonic() + PATIENCE
        while (now := self.committed()) != end:
            if now > before:
                before, limit = now, time.monotonic() + PATIENCE
            assert time.monotonic() < limit, f"{now} of {end} raw records are processed, and no more come"
            time.sleep(0.02)

    def _parts(self, name: str) -> list[TopicPartition]:
        topic = self.prefix + name
        if topic not in self._partitions:
            wait_for(lambda: self._look_up(topic), f"the partitions of {topic}")
        return [TopicPartition(topic, number) for number in self._partitions[topic]]

    def _look_up(self, topic: str) -> bool:
        found = self._watcher.list_topics(topic, TIMEOUT).topics[topic]
        self._partitions[topic] = list(found.partitions)  # none where the broker does not know it yet
        return found.error is None and bool(found.partitions)


def delivery(number: int) -> dict[str, object]:
    """One course_updated as Canvas sends it."""
    return {
        "metadata": {
            "event_name": "course_updated",
            "event_time": "2026-03-02T09:20:44.001Z",
            "producer": "canvas",
            "root_account_id": "100000000000001",
            "request_id": f"request-{number}",
        },
        "body": {"course_id": str(100_000_000_000_000 + number % 97), "name": "x" * 400},
    }


class WorkerProcess:
    """`canvas-processors worker`, started again and again under the same name."""

    def __init__(self, environment: Mapping[str, str], log: Path, program: Sequence[str] = PROGRAM) -> None:
        self.admin_port = free_port()
        self._command = [*program, "worker"]
        self._environment = {**os.environ, **environment, "PROCESSORS_ADMIN__PORT": str(self.admin_port)}
        self._log = log.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.ended() is not None or self.get("/healthz/ready") == "ok\n", "readiness")
        assert self.ended() is None, self.log()

    def stands_still(self) -> bool:
        """Whether it is stopped, by whomever."""
        assert self._process is not None
        assert self.ended() is None, self.log()
        looking = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, looking) is not None

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)

    def stop(self) -> int:
        """Asks the process to end; its exit status."""
        self.send(signal.SIGTERM)
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def ended(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll() if self._process else None

    def wait_until_ended(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def send(self, number: signal.Signals) -> None:
        """A signal, e.g. SIGSTOP and SIGCONT."""
        assert self._process is not None
        self._process.send_signal(number)

    def log(self) -> str:
        return self._log.read_text()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 where it is not there yet."""
        lines = self.get("/metrics").splitlines()
        full = f"canvas_processors_{name}"
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == full
        )

    def get(self, path: str) -> str:
        """What the admin port answers; empty where it does not."""
        return told_by(self.admin_port, path)


def until_in_the_middle_of_a_batch(stream: Stream, worker: WorkerProcess) -> None:
    """Returns when records of a batch are in the typed topic and its offsets are not committed."""
    before = stream.committed(), stream.written("course_updated")
    end = time.monotonic() + PATIENCE
    while True:
        now = stream.committed(), stream.written("course_updated")
        if now[0] == before[0] and now[1] - before[1] > 20:  # more than transaction markers
            return
        if now[0] != before[0]:
            before = now
        time.sleep(0.001)
        assert worker.ended() is None, worker.log()
        assert time.monotonic() < end, f"no batch was met in the middle within {PATIENCE} s"
