"""Raw records per second of the worker when a share of them is poison: 0, 1, 5, 50 and 100 %, side by side.

    python -m tests.bench.bench_poison [--events 60000] [--rounds 5]

Runs on the engine `processes` (Apache Kafka with transactions). The worker is the real command, with its
dead-letter limit off; every run is a new consumer group over the same raw records. Poison is an event of the
same size whose body is no object. Timed is the worker's own count, from its first batch to its last.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from click import echo as say
from confluent_kafka import Producer

from bridge.identity import event_id
from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import EngineOptions
from tests.integration.door_process import PATIENCE
from tests.integration.worker_process import Stream, delivery

PERCENT: Final = (0, 1, 5, 50, 100)
OFF: Final = {"ROLLUPS": "false", "DEAD_LETTER_LIMIT__SHARE": "1"}


def fill(stream: Stream, events: int, percent: int) -> None:
    """Writes the raw records; poison is spread evenly."""
    config = {"bootstrap.servers": stream.servers, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000}
    with Producer(config) as producer:
        for number in range(events):
            document = delivery(number)
            if number * percent % 100 < percent:
                document["body"] = [document["body"]]
            value = json.dumps(document).encode()
            producer.produce(f"{stream.prefix}raw", value, event_id(value).encode())
            producer.poll(0)
        assert producer.flush(PATIENCE) == 0


def measure(stream: Stream, events: int, name: str) -> float:
    """Raw records per second of one worker over all of them."""
    group = {"GROUP_ID": f"{stream.group}-{name}"}
    with stream.worker(name, **OFF, **group) as worker:
        began, first, done = 0.0, 0.0, 0.0
        while done < events:
            assert worker.ended() is None, worker.log()
            time.sleep(0.02)  # a scrape costs the worker as well
            done = worker.metric("raw_records_total")
            if not first:
                began, first = time.monotonic(), done
        seconds = time.monotonic() - began
        assert worker.stop() == 0, worker.log()
    return (done - first) / seconds


def main() -> None:
    """Prints each run, and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=60_000, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rates: dict[int, list[float]] = {percent: [] for percent in PERCENT}
    with ENGINES["processes"](EngineOptions()) as engine, tempfile.TemporaryDirectory() as folder:
        streams = {percent: stream_of(percent, engine.addresses.environment(), folder) for percent in PERCENT}
        for percent, stream in streams.items():
            fill(stream, given.events, percent)
            measure(stream, given.events, "warm-up")
        for number in range(given.rounds):
            for percent, stream in streams.items():
                rate = measure(stream, given.events, f"round-{number}")
                rates[percent].append(rate)
                say(f"round {number + 1}  {percent:3} % poison  {rate:7.0f} raw records/s")
    say(f"\nmedians of {given.rounds}, {given.events} raw records each:")
    medians = {percent: statistics.median(found) for percent, found in rates.items()}
    for percent, rate in medians.items():
        say(f"{percent:3} % poison  {rate:7.0f} raw records/s  {rate / medians[0]:.2f} of without poison")


def stream_of(percent: int, environment: dict[str, str], folder: str) -> Stream:
    """Topics of its own."""
    return Stream({**environment, "KAFKA_TOPIC_PREFIX": f"bench{percent}."}, Path(folder))


if __name__ == "__main__":
    main()
