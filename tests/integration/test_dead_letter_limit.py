"""The worker under poison: below the dead-letter limit nothing good waits, above it nothing is poured."""

import json
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.identity import event_id
from bridge.sandbox.engines.base import Engine
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.engine_kafka import read, without_containers
from tests.integration.worker_process import Stream, WorkerProcess, delivery

EVENTS = 2000
LIMIT = "DEAD_LETTER_LIMIT__SHARE"
SMALL = {"ROLLUPS": "false", "BATCH_SIZE": "200"}
SAID = "the dead-letter limit is reached, the batch is not committed: 100 of the last"


def poisoned(stream: Stream, percent: int) -> tuple[set[str], set[bytes]]:
    """Writes events of which so many are no JSON, evenly spread; the ids of the good, the keys of the bad."""
    good, bad = set(), set()
    with Producer({"bootstrap.servers": stream.servers, "linger.ms": 5}) as producer:
        for number in range(EVENTS):
            if number * percent % 100 < percent:
                value = b"{no JSON %d" % number
                bad.add(event_id(value).encode())
            else:
                value = json.dumps(delivery(number)).encode()
                good.add(event_id(value))
            # One partition: what is read of several comes in lumps, and the share of a lump is any.
            producer.produce(f"{stream.prefix}raw", value, event_id(value).encode(), partition=0)
        assert producer.flush(PATIENCE) == 0
    return good, bad


def dead_letters(engine: Engine, stream: Stream) -> Counter[bytes]:
    """How often each raw key stands in the dead letter topic, read committed."""
    return Counter(
        message.key() or b"" for message in read(engine.addresses, f"{stream.prefix}dead_letter", 10**6)
    )


def wait_until_held(worker: WorkerProcess) -> None:
    wait_for(lambda: worker.metric("dead_letter_limit_reached") == 1, "the limit to be reached")


@pytest.mark.parametrize(("percent", "share"), [(1, None), (5, None), (50, "0.6")])
@without_containers
def test_below_the_limit_every_good_event_is_typed(
    engine: Engine, environment: dict[str, str], tmp_path: Path, percent: int, share: str | None
) -> None:
    stream = Stream(environment, tmp_path)
    good, bad = poisoned(stream, percent)
    assert len(bad) == EVENTS * percent // 100
    with stream.worker(**SMALL, **({LIMIT: share} if share else {})) as worker:
        stream.wait_until_processed()
        worker.wait_until_ready()
        assert worker.metric("unaccounted_records") == 0
        assert worker.metric("dead_letter_limit_reached") == 0
        assert worker.stop() == 0, worker.log()
    assert dict(stream.typed()) == dict.fromkeys(good, 1)
    assert dict(dead_letters(engine, stream)) == dict.fromkeys(bad, 1)
    assert "limit is reached" not in worker.log()


@pytest.mark.parametrize(("percent", "share"), [(100, None), (50, "0.4")])
@without_containers
def test_above_it_the_worker_holds_and_says_why_and_goes_on_once_the_limit_is_raised(
    engine: Engine, environment: dict[str, str], tmp_path: Path, percent: int, share: str | None
) -> None:
    stream = Stream(environment, tmp_path)
    good, bad = poisoned(stream, percent)
    with stream.worker(**SMALL, **({LIMIT: share} if share else {})) as worker:
        wait_until_held(worker)
        wait_for(lambda: worker.log().count(SAID) == 2, "the second look")
        assert worker.ended() is None
        assert worker.get("/healthz/live") == "ok\n"
        assert worker.get("/healthz/ready") == ""  # 503
        assert worker.metric("dead_lettered_total") == worker.metric("raw_records_total") == 0
        assert worker.stop() == 0, worker.log()
        assert stream.committed() == 0
        if engine.delivery == "exactly_once":
            assert not dead_letters(engine, stream)
            assert not stream.typed()
    assert "invalid_json" in worker.log()
    assert f"(as {stream.prefix}raw/0/0, " in worker.log()
    assert "no JSON" not in worker.log()
    with stream.worker(**SMALL, **{LIMIT: "1"}) as raised:
        stream.wait_until_processed()
        raised.wait_until_ready()
        assert raised.stop() == 0, raised.log()
    letters = dead_letters(engine, stream)
    assert letters.keys() == bad
    assert stream.typed().keys() == good
    if engine.delivery == "exactly_once":
        assert letters.total() == len(bad)
        assert stream.typed().total() == len(good)
