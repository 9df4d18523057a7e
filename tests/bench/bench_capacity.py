"""What deploy/capacity.md is reckoned from: Kafka and spool bytes per event, CPU and memory of the worker.

    python -m tests.bench.bench_capacity [--events 20000]

Events are those of the simulated university, in both formats. Runs on the engine `processes` (Apache Kafka
with transactions, one copy of each record); the worker is the real command, with its rollups. CPU is that of
the whole process, as it says itself in `process_cpu_seconds_total`.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from click import echo as say
from confluent_kafka import Producer

from bridge.ingress.base import Delivery, now
from bridge.kafka import producer_config
from bridge.relay import raw_event
from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.processes import ProcessesEngine
from bridge.sandbox.feed import Feed, FeedPlan
from bridge.settings import KafkaSettings
from tests.bench import load
from tests.integration.door_process import PATIENCE, DoorProcess, free_port
from tests.integration.worker_process import Stream


def payloads(count: int) -> list[bytes]:
    """So many deliveries of the university."""
    plan = FeedPlan(count=count, seed=1, doors=1, duplicates=0, malformed=0, unknown=0)
    return [delivery.payload for delivery in itertools.islice(Feed(plan), count)]


def fill(stream: Stream, bodies: Sequence[bytes]) -> None:
    """Writes them as a door does: its headers, its compression, its batches of a millisecond."""
    settings = KafkaSettings(bootstrap_servers=stream.servers)
    with Producer(producer_config(settings, linger_ms=1, compression_type="lz4")) as producer:
        for body in bodies:
            event = raw_event(Delivery("webhook", body, now()))
            producer.produce(
                f"{stream.prefix}raw",
                event.value,
                event.key,
                headers=list(event.headers),
                timestamp=event.received_at,
            )
            producer.poll(0)
        assert producer.flush(PATIENCE) == 0


def disk(folder: Path, names: str) -> int:
    """Bytes of the log segments of these topics."""
    segments = folder.glob(f"run-*/kafka-1/{names}-*/*.log")
    return sum(path.stat().st_size for path in segments)


def worker_figures(stream: Stream, events: int) -> Iterator[tuple[str, str]]:
    """What the worker takes for all of them."""
    with stream.worker() as worker:
        began, first, before = 0.0, 0.0, 0.0
        done = 0.0
        while done < events:
            assert worker.ended() is None, worker.log()
            time.sleep(2)  # a scrape costs the worker as well
            done = worker.metric("raw_records_total")
            if done and not first:
                began, first, before = (
                    time.monotonic(),
                    done,
                    process(worker.get("/metrics"), "cpu_seconds_total"),
                )
        seconds = time.monotonic() - began
        page = worker.get("/metrics")
        cpu = process(page, "cpu_seconds_total") - before
        yield "worker, CPU per event, us", f"{cpu / (done - first) * 1e6:.0f}"
        yield "worker, raw records a second", f"{(done - first) / seconds:.0f}"
        yield "worker, resident memory, MiB", f"{process(page, 'resident_memory_bytes') / 1048576:.0f}"
        assert worker.stop() == 0, worker.log()


def process(page: str, name: str) -> float:
    """A metric of the process."""
    lines = [line for line in page.splitlines() if line.startswith(f"process_{name} ")]
    return float(lines[0].split()[1])


def spool_figures(folder: Path, bodies: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """What the spool of a webhook takes while there is no Kafka at its address."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "KAFKA_DELIVERY_TIMEOUT_SECONDS": "2",
        "BRIDGE_SPOOL__DIRECTORY": str(folder / "spool"),
        "BRIDGE_SPOOL__KAFKA_SECONDS": "1",
    }
    with DoorProcess("webhook", environment, folder / "webhook.log") as door:
        load.run(door.port, load.requests_of(bodies), 64, len(bodies))
        page = door.get("/metrics")
        values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
        records, taken = (float(values[f"canvas_bridge_spool_{name}"]) for name in ("records", "bytes"))
        files = sum(path.stat().st_size for path in (folder / "spool").rglob("*") if path.is_file())
        yield "spool, records", f"{records:.0f}"
        yield "spool, bytes per event as counted", f"{taken / records:.0f}"
        yield "spool, bytes per event on disk", f"{files / records:.0f}"
        door.kill()


def main() -> None:
    """Prints every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    events = parser.parse_args().events
    bodies = payloads(events)
    say(f"payload, bytes: {sum(map(len, bodies)) / events:.0f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for figure, value in spool_figures(folder, bodies[: events // 4]):
            say(f"{figure}: {value}")
        options = EngineOptions(state_dir=folder / "state")
        with ProcessesEngine(options) as engine:
            environment = {**engine.addresses.environment(), "KAFKA_TOPIC_PREFIX": "capacity."}
            stream = Stream(environment, folder)
            fill(stream, bodies)
            say(
                f"canvas.raw, bytes per event and copy: {disk(folder / 'state', 'capacity.raw') / events:.0f}"
            )
            before = disk(folder / "state", "capacity.*")
            for figure, value in worker_figures(stream, events):
                say(f"{figure}: {value}")
            typed = disk(folder / "state", "capacity.*") - before
            say(f"typed topics, bytes per event and copy: {typed / events:.0f}")


if __name__ == "__main__":
    main()
