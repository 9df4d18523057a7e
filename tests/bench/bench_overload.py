"""Memory of the webhook under an overload that lasts: Kafka stands still, more comes than may be in flight.

    python -m tests.bench.bench_overload [--seconds 240] [--connections 512] [--kilobytes 200]

Runs on the engine `processes`. What is printed every ten seconds is to stay flat; after the overload Kafka
goes on, and so does the door.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

import orjson
from click import echo as say
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import EngineOptions
from tests.bench.bench_sqs import TOPIC
from tests.bench.bench_webhook import Door, door
from tests.bench.load import requests_of, run

LOOK_SECONDS: Final = 10.0
WARM: Final = 2000


def main() -> None:
    """Prints the memory of the door over time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=240.0, help="of overload")
    parser.add_argument("--connections", type=int, default=512)
    parser.add_argument("--kilobytes", type=int, default=200, help="of each body")
    given = parser.parse_args()
    bodies = [payload(number, given.kilobytes * 1024) for number in range(50)]
    command = (str(Path(sys.executable).with_name("canvas-bridge")), "webhook")
    with ENGINES["processes"](EngineOptions()) as engine:
        os.environ.update(engine.addresses.environment())
        admin = AdminClient({"bootstrap.servers": engine.addresses.kafka_bootstrap_servers})
        admin.create_topics([NewTopic(TOPIC, num_partitions=4)])[TOPIC].result(30)
        with door("webhook", command, requests_of(bodies), BRIDGE_WEBHOOK__ACCEPT="plain") as webhook:
            run(webhook.port, webhook.requests, given.connections // 4, WARM)
            say(f"before: {resident(webhook.pid):.0f} MiB")
            engine.pause("kafka")
            overload(webhook, given.connections, given.seconds)
            engine.resume("kafka")
            seconds = recovery(webhook)
            say(f"after: {resident(webhook.pid):.0f} MiB; {seconds:.1f} s after Kafka all is accepted again")


def payload(number: int, size: int) -> bytes:
    """A Canvas event of about that size."""
    return orjson.dumps(
        {"metadata": {"event_name": "syllabus_updated"}, "body": {"n": number, "x": "x" * size}}
    )


def overload(webhook: Door, connections: int, seconds: float) -> None:
    """Loads the door for so long, and looks at it every now and then."""
    began = looked = time.monotonic()
    answered = refused = 0
    while time.monotonic() - began < seconds:
        load = run(webhook.port, webhook.requests, connections, connections * 4)
        answered, refused = answered + len(load.seconds), refused + load.refused
        if time.monotonic() - looked >= LOOK_SECONDS:
            looked = time.monotonic()
            memory = resident(webhook.pid)
            say(f"{looked - began:5.0f} s: {memory:4.0f} MiB, {answered} answers, {refused} of them 503")


def recovery(webhook: Door) -> float:
    """Seconds until nothing is refused any more."""
    began = time.monotonic()
    while run(webhook.port, webhook.requests, 8, 8).refused:
        pass
    return time.monotonic() - began


def resident(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
