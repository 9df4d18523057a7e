"""The worker as a process: repeats, hand-over, outages, namesakes, and the rollups behind it."""

import time
from pathlib import Path

from bridge.sandbox.engines.base import Engine
from processors.worker.command import GUARANTEES
from tests.integration.door_process import wait_for
from tests.integration.engine_kafka import on_processes, without_containers
from tests.integration.worker_process import Stream

QUIET = {"ROLLUPS": "false"}


@without_containers
def test_repeats_are_dropped_across_a_crash_and_a_stop_ends_with_0(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker(**QUIET) as worker:
        first = stream.feed(0, 300)
        stream.wait_until_processed()
        worker.kill()
        second = stream.feed(0, 400)  # the same 300, and 100 more
        worker.start()
        stream.wait_until_processed()
        worker.wait_until_ready()
        assert worker.metric("raw_records_total") == 400
        assert worker.metric("typed_records_total") == 100
        assert worker.metric("duplicates_total") == 300
        assert worker.get("/healthz/live") == "ok\n"
        assert worker.stop() == 0, worker.log()
    assert first < second
    assert dict(stream.typed()) == dict.fromkeys(second, 1)
    assert GUARANTEES[engine.delivery] in worker.log()  # type: ignore[index]
    assert "Traceback" not in worker.log()


@without_containers
def test_partitions_change_hands_without_loss(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    # A dead worker's open transaction hides what comes after it until Kafka aborts it.
    small = {**QUIET, "BATCH_SIZE": "100", "TRANSACTION_TIMEOUT_SECONDS": "6"}
    with stream.worker("one", **small) as one, stream.worker("two", **small) as two:
        ids = stream.feed(0, 1500)
        one.wait_until_ready()
        two.wait_until_ready()
        ids |= stream.feed(1500, 1500)
        wait_for(lambda: two.metric("raw_records_total") > 0, "work of the second worker")
        one.kill()
        ids |= stream.feed(3000, 1500)
        stream.wait_until_processed()
        assert two.stop() == 0, two.log()
    wait_for(lambda: stream.typed().keys() >= ids, "every event, committed")
    found = stream.typed()
    assert found.keys() == ids
    if engine.delivery == "exactly_once":
        assert found.total() == len(ids)


@on_processes
def test_a_namesake_shuts_the_first_worker_out_which_says_so_and_ends(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker(**QUIET) as first:
        first.wait_until_ready()
        with stream.worker(**QUIET) as namesake:
            namesake.wait_until_ready()
            assert first.wait_until_ended() == 1, first.log()
            assert "processors.worker.command: the worker ends: Kafka shut this worker out" in first.log()
            ids = stream.feed(0, 100)
            stream.wait_until_processed()
            assert namesake.stop() == 0, namesake.log()
    assert dict(stream.typed()) == dict.fromkeys(ids, 1)


@on_processes
def test_an_outage_of_kafka_is_waited_out_by_the_same_process(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker(BATCH_SIZE="100") as worker:
        worker.wait_until_ready()
        ids = stream.feed(0, 3000)
        wait_for(lambda: worker.metric("batches_total") > 3, "some batches")
        engine.pause("kafka")
        try:
            time.sleep(15)  # more than the session of 6 s: Kafka will take this worker for dead
            assert worker.get("/healthz/live") == "ok\n"
        finally:
            engine.resume("kafka")
        ids |= stream.feed(3000, 500)
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    assert dict(stream.typed()) == dict.fromkeys(ids, 1)
    assert stream.written("dead_letter") == 0


@without_containers
def test_a_registry_without_our_schemas_is_named_with_the_remedy(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    other = {**stream.environment, "KAFKA_TOPIC_PREFIX": stream.prefix + "other."}
    stream.environment = other
    with stream.worker() as worker:
        assert worker.wait_until_ended() == 1
    assert "schemas register" in worker.log()
    assert "Traceback" not in worker.log()
