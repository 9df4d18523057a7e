"""`canvas-processors explain` on every engine: from the door to the typed topic, by id and by place."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from bridge.identity import event_id
from bridge.ingress.base import Delivery
from bridge.kafka import Publisher
from bridge.relay import Relay
from bridge.sandbox.engines.base import Engine
from bridge.settings import KafkaSettings
from tests.integration.commands import processors
from tests.integration.engine_kafka import on_embedded, read, without_containers
from tests.integration.worker_process import Stream, delivery
from tests.samples import EVENTS, RECEIVED_AT

SIGNED = {"canvas.signature.kid": "2026-03", "canvas.signature.verified_at": "2026-03-01T00:00:00.000Z"}


def take(stream: Stream, values: Sequence[bytes], attributes: dict[str, str]) -> None:
    """As the webhook's relay does."""

    async def main() -> None:
        async with Publisher(KafkaSettings(bootstrap_servers=stream.servers)) as publisher:
            relay = Relay(publisher, f"{stream.prefix}raw", 10**6)
            for value in values:
                await relay.take(Delivery("webhook", value, RECEIVED_AT, attributes), lambda: None)

    asyncio.run(main())


def explain(stream: Stream, what: str, *arguments: str) -> tuple[int, Any]:
    """Exit status, and the JSON that was printed."""
    done = processors(stream.environment, "explain", what, "--json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@without_containers
def test_a_journey_is_told_by_id_and_by_place(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    # What is produced bears the time of the samples, and Kafka deletes by it.
    forever = dict.fromkeys(("RAW", "TYPED", "DEAD_LETTER"), "-1")
    stream = Stream(
        environment
        | {f"PROCESSORS_TOPICS__{name}_RETENTION_HOURS": hours for name, hours in forever.items()},
        tmp_path,
    )
    good = (EVENTS / "course_progress" / "canvas.typical.pass.json").read_bytes()
    others = [json.dumps(delivery(number)).encode() for number in range(50)]
    with stream.worker(ROLLUPS="false") as worker:
        take(stream, [*others, good, b"{no JSON", good], SIGNED)
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    status, told = explain(stream, event_id(good))
    first, again = told["deliveries"]
    assert status == 0
    raw = f"{stream.prefix}raw"
    # Where explain looks first is where the bridge's producer has put it.
    assert first["raw"].startswith(f"{raw}/{crc32(event_id(good).encode()) % len(stream._parts('raw'))}/")
    assert (first["door"], first["signature_key"]) == ("/canvas-bridge/webhook", "2026-03")
    assert again["state"] == f"duplicate of {first['raw']}, dropped"
    (typed,) = first["became"]
    (stored,) = read(engine.addresses, f"{stream.prefix}course_progress", 10)
    assert typed["record"] == f"{stored.topic()}/{stored.partition()}/{stored.offset()}"
    assert typed["schema_id"] == int.from_bytes((stored.value() or b"")[1:5], "big")
    assert typed["version"] == 1
    assert typed["rollups"][0]["topic"] == f"{stream.prefix}rollup.course_progress"
    assert explain(stream, typed["record"]) == (status, told)
    assert explain(stream, first["raw"])[1]["deliveries"] == told["deliveries"]
    status, told = explain(stream, event_id(b"{no JSON"))
    (letter,) = told["deliveries"][0]["became"]
    assert (status, letter["reason"], letter["kind"]) == (0, "invalid_json", "dead letter")
    done = processors(stream.environment, "explain", event_id(good))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"event {event_id(good)}")


@on_embedded
def test_what_is_not_there_is_said(environment: dict[str, str], tmp_path: Path) -> None:
    stream = Stream(environment, tmp_path)
    for what, said in (
        (f"{stream.prefix}raw/0/5", "there is nothing at"),
        ("0b4d2e6e-8f3b-8a1c-9c55-1f2e3d4c5b6a", "there is no event"),
    ):
        done = processors(stream.environment, "explain", what)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
