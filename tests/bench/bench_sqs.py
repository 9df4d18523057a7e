"""Messages per second and CPU per message of the SQS door, beside a bare loop of the same client.

    python -m tests.bench.bench_sqs [--messages 5000] [--rounds 5] [--receivers 4]

Runs on the engine `processes`: ElasticMQ, and Apache Kafka with acks=all. Both loops run in this process, in
turn, each on a queue of its own filled before: what is counted is the CPU time of this process, all threads
included. The bare loop receives and deletes and does nothing else, so it is the ceiling of this client; the
rate at which it runs is also as fast as this queue server can be drained by it.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from click import echo as say
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.door_settings import SqsSettings
from bridge.ingress.sqs import Sqs
from bridge.ingress.sqs_queue import BATCH, Queue
from bridge.kafka import Publisher
from bridge.metrics import STORED
from bridge.relay import Relay
from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import Addresses, EngineOptions
from bridge.settings import KafkaSettings

TOPIC: Final = "canvas.raw"
GOAL: Final = 2500
NAMES: Final = ("bare loop", "our door")


@dataclass(frozen=True, slots=True)
class Run:
    """One drained queue."""

    per_second: float
    cpu_us: float


def body(number: int) -> str:
    """An event of 1.7 KB, as most are."""
    metadata = {
        "event_name": "assignment_updated",
        "event_time": "2026-03-01T09:30:00.125Z",
        "root_account_uuid": "Ey0Sbfak2RWZ3qF3uBp8Jg",
        "url": "https://canvas.example.edu/courses/1/assignments/2?module_item_id=3",
    }
    text = f'<p>Number {number}: say "why" in your own words.</p> '
    content = {"assignment_id": str(70_000_000_000_000 + number), "description": text * 26}
    return orjson.dumps({"metadata": metadata, "body": content}).decode()


@contextmanager
def filled_queue(addresses: Addresses, count: int) -> Iterator[str]:
    """A queue with so many messages."""
    client: Any = addresses.sqs()
    url = client.create_queue(QueueName=f"canvas-live-events-{time.time_ns()}")["QueueUrl"]
    texts = {"event_name": "assignment_updated", "event_time": "2026-03-01T09:30:00.125Z"}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}

    def send(first: int) -> None:
        entries = [
            {"Id": str(at), "MessageBody": body(first + at), "MessageAttributes": attributes}
            for at in range(BATCH)
        ]
        assert not client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, range(0, count, BATCH)))
    yield url
    client.delete_queue(QueueUrl=url)
    client.close()


async def drain_bare(settings: SqsSettings, count: int, servers: str) -> None:
    """Receives and deletes, with the same calls and as many at a time."""
    left = count

    async def receive() -> None:
        nonlocal left
        while left > 0:
            messages = await queue.receive()
            if messages:
                left -= len(messages)
                await queue.delete(messages)

    async with Queue(settings) as queue:
        await asyncio.gather(*(receive() for _ in range(settings.receivers)))


async def drain_door(settings: SqsSettings, count: int, servers: str) -> None:
    """Our door, to a real Kafka."""
    door, stopping = Sqs(settings), asyncio.Event()
    stored = STORED.labels("sqs")._value
    end = stored.get() + count
    async with Publisher(KafkaSettings(bootstrap_servers=servers)) as publisher:
        work = asyncio.create_task(door.serve(Relay(publisher, TOPIC, door.max_in_flight_bytes), stopping))
        while stored.get() < end and not work.done():  # noqa: ASYNC110 - a counter signals nothing
            await asyncio.sleep(0.005)
        stopping.set()
        await work


def measure(
    drain: Callable[[SqsSettings, int, str], Coroutine[Any, Any, None]],
    addresses: Addresses,
    count: int,
    receivers: int,
) -> Run:
    """Fills a queue and drains it."""
    with filled_queue(addresses, count) as url:
        settings = SqsSettings(
            queue_url=url, endpoint_url=addresses.sqs_endpoint_url, wait_seconds=0, receivers=receivers
        )
        cpu, wall = time.process_time(), time.perf_counter()
        asyncio.run(drain(settings, count, addresses.kafka_bootstrap_servers))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Run(count / wall, cpu / count * 1e6)


def main() -> None:
    """Prints each run, and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=5000, help="of each run, a multiple of 10")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--receivers", type=int, default=SqsSettings.model_fields["receivers"].default)
    given = parser.parse_args()
    runs: dict[str, list[Run]] = {name: [] for name in NAMES}
    with ENGINES["processes"](EngineOptions()) as engine:
        os.environ.update(engine.addresses.environment())
        admin = AdminClient({"bootstrap.servers": engine.addresses.kafka_bootstrap_servers})
        admin.create_topics([NewTopic(TOPIC, num_partitions=4)])[TOPIC].result(30)
        for drain in (drain_bare, drain_door):  # the servers' compilers warm up
            measure(drain, engine.addresses, given.messages, given.receivers)
        for number in range(given.rounds):
            for name, drain in zip(NAMES, (drain_bare, drain_door), strict=True):
                run = measure(drain, engine.addresses, given.messages, given.receivers)
                runs[name].append(run)
                say(f"round {number + 1}  {name:10} {told(run.per_second, run.cpu_us)}")
    report(runs, given.receivers)


def told(per_second: float, cpu_us: float) -> str:
    """One result as text."""
    return f"{per_second:5.0f} messages/s {cpu_us:5.0f} us CPU each"


def report(runs: dict[str, list[Run]], receivers: int) -> None:
    """Prints the medians, and the goal beside them."""
    say(f"\nmedians of {len(runs[NAMES[0]])}, {receivers} receivers:")
    cpu = {name: statistics.median(run.cpu_us for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        rate = statistics.median(run.per_second for run in found)
        say(f"{name:10} {told(rate, cpu[name])} = {1e6 / cpu[name]:5.0f} messages/s and core")
    share = cpu[NAMES[0]] / cpu[NAMES[1]]
    met = "met" if 1e6 / cpu[NAMES[1]] >= GOAL else "MISSED"
    say(f"our door is at {share:.2f} of the bare loop; goal {GOAL} messages/s and core: {met}")


if __name__ == "__main__":
    main()
