"""The worker's own lag on a running engine: it grows while nothing is processed, and comes down to 0."""

import json
from pathlib import Path

from confluent_kafka import Producer

from bridge.identity import event_id
from bridge.sandbox.engines.base import Engine
from bridge.settings import KafkaSettings
from processors.worker.lag import Lag, LagMeter
from tests.integration.conftest import TopicMaker
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.engine_kafka import on_embedded, on_processes, without_containers
from tests.integration.worker_process import Stream, delivery

HELD = {"DEAD_LETTER_LIMIT__MINIMUM": "1", "DEAD_LETTER_LIMIT__EVENTS": "10", "ROLLUPS": "false"}


@on_embedded
def test_the_lag_of_what_is_held_is_shown_with_its_age(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with Producer({"bootstrap.servers": stream.servers}) as producer:
        for number in range(50):
            value = b"{no JSON %d" % number
            producer.produce(f"{stream.prefix}raw", value, event_id(value).encode())
        assert producer.flush(PATIENCE) == 0
    with stream.worker(**HELD) as worker:  # without a committed offset
        wait_for(lambda: worker.metric("raw_lag_records") == 50, "the lag")
        before = worker.metric("raw_oldest_seconds")
        wait_for(lambda: worker.metric("raw_oldest_seconds") > before > 0, "its age to grow")
        assert worker.metric("event_age_seconds_count") == 0
        assert worker.stop() == 0, worker.log()
    with stream.worker(DEAD_LETTER_LIMIT__SHARE="1", ROLLUPS="false") as raised:
        stream.wait_until_processed()
        raised.wait_until_ready()
        wait_for(lambda: 'raw_lag_records{partition="3"}' in raised.get("/metrics"), "a look")
        wait_for(lambda: raised.metric("raw_lag_records") == 0, "no lag")
        assert raised.metric("raw_oldest_seconds") == 0
        assert raised.metric("event_age_seconds_count") > 0
        assert raised.metric("last_received_timestamp_seconds") > 0
        assert raised.stop() == 0, raised.log()


@on_processes
def test_behind_transaction_markers_the_lag_is_0_and_a_partition_is_shown_by_who_has_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    _write_in_transactions(stream)
    shown = [f'raw_lag_records{{partition="{number}"}} 0.0' for number in range(4)]
    with stream.worker("one") as one:
        wait_for(lambda: all(line in one.get("/metrics") for line in shown), "no lag")
        assert one.metric("raw_records_total") == 40
        wait_for(lambda: "rollup_lag_records" in one.get("/metrics"), "the rollup's lag")
        wait_for(lambda: one.metric("rollup_lag_records") == 0, "no lag of the rollup")
        with stream.worker("two", ROLLUPS="false") as two:
            two.wait_until_ready()
            wait_for(
                lambda: sum(line in one.get("/metrics") for line in shown) == 2, "two partitions to be gone"
            )
            wait_for(
                lambda: all((line in one.get("/metrics")) != (line in two.get("/metrics")) for line in shown),
                "each partition to be shown once",
            )


def _write_in_transactions(stream: Stream) -> None:
    """40 raw records, then a transaction that is aborted: each ends in a marker on every partition."""
    producer = Producer({"bootstrap.servers": stream.servers, "transactional.id": stream.group})
    with producer:
        producer.init_transactions(PATIENCE)
        for aborted in (False, True):
            producer.begin_transaction()
            for number in range(40):
                value = json.dumps(delivery(number)).encode()
                key = event_id(value).encode()
                producer.produce(f"{stream.prefix}raw", value, key, partition=number % 4)
            producer.flush(PATIENCE)
            if aborted:
                producer.abort_transaction(PATIENCE)
            else:
                producer.commit_transaction(PATIENCE)


@without_containers
def test_every_look_reads_anew_where_processing_has_moved_on(engine: Engine, make_topic: TopicMaker) -> None:
    topic = make_topic("raw", 1)
    with Producer({"bootstrap.servers": engine.addresses.kafka_bootstrap_servers}) as producer:
        for number in range(20):
            producer.produce(topic, b"x", partition=0, timestamp=1_000_000 + number)
        assert producer.flush(PATIENCE) == 0
    settings = KafkaSettings(bootstrap_servers=engine.addresses.kafka_bootstrap_servers)
    meter = LagMeter(settings, "lag-looks")
    try:
        for position in (3, 5, 19):
            found = meter.measure({(topic, 0): position})
            assert found == {(topic, 0): Lag(20 - position, 1_000_000 + position)}
        assert meter.measure({(topic, 0): 20}) == {(topic, 0): Lag()}
    finally:
        meter.close()
