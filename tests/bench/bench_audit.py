"""Seconds and peak memory of `canvas-processors audit` over many events.

    python -m tests.bench.bench_audit [--events 1000000]

Runs on the engine `processes`. It writes raw records, and what the worker would have made of them: of a
hundred 97 are typed, over ten topics, one is a dead letter, and two are repeats, of which nothing comes. Then
the real command runs, and its exit status and what it prints are checked. `--lose 3` leaves three typed
records out: then the audit must find three missing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import orjson
from click import echo as say
from confluent_kafka import Consumer, Producer, TopicPartition

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import EngineOptions
from processors.catalogue import load_catalogue
from tests.integration.door_process import PATIENCE
from tests.integration.worker_process import Stream

PARTITIONS: Final = 4  # as Stream makes them
HOUR: Final = 3_600_000
RAW_BYTES: Final = 1000
TYPED_BYTES: Final = 600


class Event(NamedTuple):
    """One raw record, and of which topic what came of it is; None: it is a repeat."""

    key: bytes
    partition: int
    offset: int
    time: int
    topic: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """One audit as a process."""

    status: int
    seconds: float
    cpu: float
    peak: int
    printed: bytes


def events(count: int, names: list[str]) -> Iterator[Event]:
    """The events of the last four hours, in the order they came."""
    begin = int(time.time() * 1000) - 4 * HOUR
    for number in range(count):
        of_hundred = number % 100
        repeats = 97 <= of_hundred < 99
        origin = number - PARTITIONS if repeats else number
        topic = None if repeats else "dead_letter" if of_hundred == 99 else names[number % len(names)]
        key = str(UUID(int=origin * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)).encode()
        yield Event(key, number % PARTITIONS, number // PARTITIONS, begin + number * 4 * HOUR // count, topic)


def fill(stream: Stream, count: int, lose: int) -> None:
    """Writes the topics, and commits the group's offsets behind all of it."""
    names = list(load_catalogue().events)[:10]
    config = {"bootstrap.servers": stream.servers, "linger.ms": 50, "queue.buffering.max.messages": 200_000}
    # Packed they are half as large, as events are; more of them than lz4 sees at a time.
    texts = [os.urandom(RAW_BYTES // 2).hex().encode() for _ in range(500)]
    with Producer({**config, "compression.type": "lz4"}) as producer:
        for event in events(count, names):
            raw = texts[event.offset % len(texts)]
            put(producer, f"{stream.prefix}raw", raw, event, [])
            if event.topic is None or (lose and event.topic != "dead_letter"):
                lose -= event.topic is not None
                continue
            value = raw if event.topic == "dead_letter" else raw[:TYPED_BYTES]
            put(producer, stream.prefix + event.topic, value, event, headers(stream, event))
        assert producer.flush(PATIENCE) == 0
    with Consumer({"bootstrap.servers": stream.servers, "group.id": stream.group}) as consumer:
        ends = [
            TopicPartition(f"{stream.prefix}raw", number, len(range(number, count, PARTITIONS)))
            for number in range(PARTITIONS)
        ]
        consumer.commit(offsets=ends, asynchronous=False)


def headers(stream: Stream, event: Event) -> list[tuple[str, bytes]]:
    """As the worker writes them."""
    place = (f"{stream.prefix}raw", str(event.partition), str(event.offset))
    if event.topic == "dead_letter":
        names = ("topic", "partition", "offset")
        return [(f"canvas.errors.{name}", part.encode()) for name, part in zip(names, place, strict=True)]
    return [("ce_id", event.key), ("ce_type", b"x"), ("canvas.raw", "/".join(place).encode())]


def put(producer: Producer, topic: str, value: bytes, event: Event, headers: list[tuple[str, bytes]]) -> None:
    """Hands a record over; waits where the queue is full."""
    while True:
        try:
            producer.produce(
                topic, value, event.key, event.partition, headers=list(headers), timestamp=event.time
            )
        except BufferError:
            producer.poll(1.0)
        else:
            producer.poll(0)
            return


def audit(stream: Stream) -> Result:
    """Runs the command."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "processors", "audit", "--json"],
        env={**os.environ, **stream.environment},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    return Result(process.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, printed)


def main() -> None:
    """Prints what the audit took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--lose", type=int, default=0)
    given = parser.parse_args()
    with ENGINES["processes"](EngineOptions()) as engine, tempfile.TemporaryDirectory() as folder:
        stream = Stream({**engine.addresses.environment(), "KAFKA_TOPIC_PREFIX": "bench."}, Path(folder))
        began = time.monotonic()
        fill(stream, given.events, given.lose)
        say(f"{given.events} raw records and what came of them: written in {time.monotonic() - began:.0f} s")
        result = audit(stream)
        told = orjson.loads(result.printed)
        say(
            f"audit: {result.seconds:.1f} s, {result.cpu:.1f} s CPU, {result.peak / 2**20:.0f} MiB at most, "
            f"status {result.status}"
        )
        say(", ".join(f"{name} {told[name]}" for name in ("raw", "typed", "dead_lettered", "duplicate")))
        assert told["raw"] == given.events
        assert told["missing"]["number"] == given.lose
        assert result.status == (1 if given.lose else 0)


if __name__ == "__main__":
    main()
