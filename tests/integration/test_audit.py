"""The audit of a whole flow: it adds up, and when something is taken away or added it says what."""

import copy
import json
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from bridge.identity import event_id
from bridge.sandbox.engines.base import Engine
from tests.integration.commands import processors
from tests.integration.door_process import PATIENCE
from tests.integration.engine_kafka import on_embedded, read, without_containers
from tests.integration.worker_process import Stream, delivery
from tests.samples import EVENTS

QUIET = {"ROLLUPS": "false"}


def envelope(count: int) -> bytes:
    """A Caliper delivery of so many events; the last one is none that Canvas sends."""
    document = json.loads((EVENTS / "course_updated" / "caliper.typical.pass.json").read_bytes())
    events = [copy.deepcopy(document["data"][0]) for _ in range(count)]
    for number, event in enumerate(events):
        event["id"] = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    events[-1] = "no event"
    document["data"] = events
    return json.dumps(document).encode()


def put(stream: Stream, *values: bytes) -> list[str]:
    """Writes raw records; their keys."""
    keys = [event_id(value) for value in values]
    with Producer({"bootstrap.servers": stream.servers}) as producer:
        for key, value in zip(keys, values, strict=True):
            producer.produce(f"{stream.prefix}raw", value, key.encode())
        assert producer.flush(PATIENCE) == 0
    return keys


def mixed(stream: Stream) -> None:
    """200 good events, 50 of them again, 10 that are no JSON, 5 unknown ones, and an envelope of 6."""
    stream.feed(0, 200)
    stream.feed(0, 50)
    put(stream, *(b"{no JSON %d" % number for number in range(10)))
    for number in range(5):
        document: Any = delivery(number)
        document["metadata"]["event_name"] = "from_a_later_canvas"
        put(stream, json.dumps(document).encode())
    put(stream, envelope(6))


def audit(stream: Stream, *arguments: str) -> tuple[int, Any]:
    """Exit status, and the JSON that was printed."""
    done = processors(stream.environment, "audit", "--json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def counts(told: Any) -> dict[str, int]:
    return {
        name: value for name, value in told.items() if isinstance(value, int) and value and name != "adds_up"
    }


def copy_of(producer: Producer, message: Message, **changed: bytes) -> None:
    """Writes a record once more; `changed`: headers, `__` for `.`."""
    headers = dict(message.headers() or ()) | {
        name.replace("__", "."): text for name, text in changed.items()
    }
    producer.produce(
        str(message.topic()),
        message.value(),
        message.key(),
        headers=list(headers.items()),
        timestamp=message.timestamp()[1],
    )


def skip_what_is_left(stream: Stream) -> None:
    """Has the audit look at a group whose offsets somebody moved to the end, as nobody should."""
    raw, group = f"{stream.prefix}raw", f"{stream.group}-moved"
    with Consumer({"bootstrap.servers": stream.servers, "group.id": group}) as consumer:
        ends = [
            TopicPartition(raw, number)
            for number in consumer.list_topics(raw, PATIENCE).topics[raw].partitions
        ]
        for part in ends:
            part.offset = consumer.get_watermark_offsets(part, PATIENCE)[1]
        consumer.commit(offsets=ends, asynchronous=False)
    stream.environment["PROCESSORS_GROUP_ID"] = group


@without_containers
def test_a_flow_with_poison_repeats_and_unknown_events_adds_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker(**QUIET) as worker:
        mixed(stream)
        stream.wait_until_processed()
        worker.wait_until_ready()
        assert worker.metric("unaccounted_records") == 0
        assert worker.stop() == 0, worker.log()
    put(stream, json.dumps(delivery(1000)).encode())
    status, told = audit(stream)
    assert counts(told) == {
        "raw": 267,
        "typed": 201,
        "unknown": 5,
        "dead_lettered": 10,
        "duplicate": 50,
        "pending": 1,
    }
    assert (status, told["adds_up"]) == (0, True)
    assert told["records"] == {"typed": 205, "unknown": 5, "dead letter": 11}
    assert sum(hour["raw"] for hour in told["hours"]) == 267
    done = processors(stream.environment, "audit")
    assert done.stdout.splitlines()[-1] == (
        "267 raw = 201 typed + 5 unknown + 10 dead-lettered + 50 duplicates + 1 not yet processed; it adds up"
    )
    status, told = audit(stream, "--to", "1h")
    assert (status, counts(told)) == (0, {})
    status, told = audit(stream, "--from", "1h")
    assert (status, told["raw"]) == (0, 267)


@without_containers
def test_what_is_missing_doubled_or_invented_is_named(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker(**QUIET) as worker:
        stream.feed(0, 100)
        put(stream, b"{no JSON")
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    lost = put(stream, json.dumps(delivery(500)).encode())
    stream.feed(0, 10)  # repeats, skipped too: those are not missed
    skip_what_is_left(stream)
    typed = read(engine.addresses, f"{stream.prefix}course_updated", 10**6)
    letter = read(engine.addresses, f"{stream.prefix}dead_letter", 10**6)[0]
    with Producer({"bootstrap.servers": stream.servers}) as producer:
        copy_of(producer, typed[0])
        copy_of(producer, typed[1], ce_id=b"made up", canvas__raw=b"elsewhere.raw/0/0")
        copy_of(producer, letter, canvas__errors__field=b"/elsewhere")
        copy_of(
            producer,
            typed[2],
            ce_id=b"of the letter",
            canvas__raw=lineage(letter),
            canvas__replayed__from=b"x/0/0",
        )
        assert producer.flush(PATIENCE) == 0
    status, told = audit(stream)
    assert (status, told["adds_up"]) == (1, False)
    assert [item["event_id"] for item in told["missing"]["named"]] == lost
    doubled = told["doubled"]["named"]
    assert [item["event_id"] for item in doubled] == [dict(typed[0].headers() or ())["ce_id"].decode()]  # type: ignore[union-attr]
    assert len(doubled[0]["positions"]) == 2
    assert [item["event_id"] for item in told["invented"]["named"]] == ["made up"]
    assert counts(told) == {"raw": 112, "typed": 100, "replayed": 1, "duplicate": 10}
    done = processors(stream.environment, "audit", "--limit", "0")
    assert done.returncode == 1
    assert "missing: 1 more (processed, and nothing came of it); --limit names them" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("it does not add up: 1 missing, 1 doubled, 1 invented")


def lineage(letter: Message) -> bytes:
    headers = dict(letter.headers() or ())
    return b"/".join(headers[f"canvas.errors.{name}"] or b"" for name in ("topic", "partition", "offset"))  # type: ignore[misc]


@without_containers
def test_repeats_beyond_the_window_are_told_and_add_up(environment: dict[str, str], tmp_path: Path) -> None:
    # The records bear an old time, and Kafka deletes by it.
    kept = {f"PROCESSORS_TOPICS__{name}_RETENTION_HOURS": "-1" for name in ("RAW", "TYPED")}
    stream = Stream(environment | kept | {"PROCESSORS_DUPLICATE_WINDOW_SECONDS": "60"}, tmp_path)
    value, now = json.dumps(delivery(1)).encode(), 1_772_000_000_000
    with Producer({"bootstrap.servers": stream.servers}) as producer:
        for seconds in (0, 30, 200):
            producer.produce(f"{stream.prefix}raw", value, event_id(value), timestamp=now + seconds * 1000)
        assert producer.flush(PATIENCE) == 0
    with stream.worker(**QUIET) as worker:
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    status, told = audit(stream)
    assert (status, counts(told)) == (0, {"raw": 3, "typed": 2, "duplicate": 1})
    assert [item["event_id"] for item in told["beyond_window"]["named"]] == [event_id(value)]
    status, told = audit(stream, "--from", "2026-02-25T06:13:30Z", "--to", "2026-02-25T06:14:00Z")
    assert (status, counts(told)) == (0, {"raw": 1, "duplicate": 1})


@on_embedded
def test_a_kafka_that_is_away_and_topics_that_are_not_there_are_said(environment: dict[str, str]) -> None:
    done = processors(environment, "audit")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "topics create" in done.stderr
