"""The lag: what waits behind a position, markers of transactions, and partitions that come and go."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from prometheus_client import REGISTRY

from bridge.settings import KafkaSettings
from processors.names import TopicNames
from processors.worker import lag
from processors.worker.first_times import Place
from processors.worker.lag import Lag, LagMeter, keep_measuring
from processors.worker.lag_gauges import LagGauges

TOPIC = "canvas.raw"
LIMIT = 30.0


class Message:
    def __init__(self, place: Place, timestamp: int | None) -> None:
        self._place, self._timestamp = place, timestamp

    def error(self) -> KafkaError | None:
        return KafkaError(KafkaError._PARTITION_EOF) if self._timestamp is None else None

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def timestamp(self) -> tuple[int, int]:
        return 1, self._timestamp or 0


class Broker:
    """Stands for librdkafka's consumer over logs of records (offset: timestamp) with their bounds."""

    def __init__(self) -> None:
        self.logs: dict[Place, dict[int, int]] = {}
        self.bounds: dict[Place, tuple[int, int]] = {}
        self.assigned: list[TopicPartition] = []
        self.reads: list[Place] = []
        self.away = self.closed = False

    def has(self, partition: int, low: int, high: int, **records: int) -> None:
        """`o7=1000`: a record at offset 7, of that time."""
        self.bounds[TOPIC, partition] = low, high
        self.logs[TOPIC, partition] = {int(name[1:]): time for name, time in records.items()}

    def get_watermark_offsets(self, part: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self.bounds[part.topic, part.partition]

    def assign(self, parts: Sequence[TopicPartition]) -> None:
        self.assigned = list(parts)

    def poll(self, _: float) -> Message | None:
        if not self.assigned:
            return None
        part = self.assigned.pop(0)
        place = part.topic, part.partition
        self.reads.append(place)
        there = [time for offset, time in sorted(self.logs[place].items()) if offset >= part.offset]
        return Message(place, there[0] if there else None)

    def pause(self, _: Sequence[TopicPartition]) -> None: ...

    def resume(self, _: Sequence[TopicPartition]) -> None: ...

    def unassign(self) -> None:
        self.assigned = []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(lag, "Consumer", lambda *_, **__: made)
    return made


def measured(broker: Broker, **positions: int) -> dict[int, Lag]:
    """`p0=7`: the next offset of partition 0 to be processed is 7."""
    meter = LagMeter(KafkaSettings(), "group")
    found = meter.measure({(TOPIC, int(name[1:])): offset for name, offset in positions.items()})
    assert not broker.assigned
    return {partition: lag for (_, partition), lag in found.items()}


def test_what_waits_is_counted_and_the_oldest_is_the_record_at_the_position(broker: Broker) -> None:
    broker.has(0, 0, 10, o6=6_000, o7=7_000, o9=9_000)
    broker.has(1, 0, 4, o3=3_000)
    assert measured(broker, p0=7, p1=4) == {0: Lag(3, 7_000), 1: Lag()}
    assert broker.reads == [(TOPIC, 0)]  # nothing waits in the other


def test_markers_of_transactions_behind_the_last_record_are_no_lag(broker: Broker) -> None:
    broker.has(0, 0, 10, o6=6_000, o7=7_000)
    assert measured(broker, p0=8) == {0: Lag()}


def test_records_that_expired_before_they_were_processed_do_not_wait(broker: Broker) -> None:
    broker.has(0, 90, 100, o90=1_000)
    assert measured(broker, p0=5) == {0: Lag(10, 1_000)}


def test_a_record_that_does_not_move_is_read_once(broker: Broker) -> None:
    broker.has(0, 0, 10, o3=3_000, o8=8_000)
    meter = LagMeter(KafkaSettings(), "group")
    assert meter.measure({(TOPIC, 0): 3}) == meter.measure({(TOPIC, 0): 3}) == {(TOPIC, 0): Lag(7, 3_000)}
    assert len(broker.reads) == 1
    assert meter.measure({(TOPIC, 0): 8}) == {(TOPIC, 0): Lag(2, 8_000)}


def test_a_partition_that_does_not_answer_is_an_error_and_no_lag_of_nothing(broker: Broker) -> None:
    broker.has(0, 0, 10, o3=3_000)
    broker.poll = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(KafkaException):
        measured(broker, p0=3)
    assert not broker.assigned


def test_an_age_is_counted_at_the_moment_it_is_asked_for() -> None:
    assert Lag().age() == 0
    assert Lag(1, int((time.time() - 60) * 1000)).age() >= 60
    assert Lag(1, int((time.time() + 60) * 1000)).age() == 0  # a clock ahead of ours


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"canvas_processors_{name}", labels)


def test_series_of_what_a_worker_has_no_more_are_gone() -> None:
    gauges = LagGauges(TopicNames("canvas."))
    gauges.show({(TOPIC, 0): Lag(3, 1_000), (TOPIC, 1): Lag()})
    assert (value("raw_lag_records", partition="0"), value("raw_lag_records", partition="1")) == (3, 0)
    assert (value("raw_oldest_seconds", partition="0") or 0) > 1e9
    gauges.show({(TOPIC, 1): Lag(5, 2_000)})
    assert value("raw_lag_records", partition="0") is None
    assert value("raw_oldest_seconds", partition="0") is None
    assert value("raw_lag_records", partition="1") == 5
    gauges.show({})
    assert value("raw_lag_records", partition="1") is None


def test_the_lag_of_a_rollup_is_that_of_all_its_sources() -> None:
    gauges = LagGauges(TopicNames("canvas."))
    sources = {("canvas.course_progress", 0): Lag(2, 5_000), ("canvas.course_completed", 3): Lag(4, 1_000)}
    gauges.show({**sources, ("canvas.other", 0): Lag(100, 1)})
    assert value("rollup_lag_records", rollup="course_progress") == 6
    assert (value("rollup_oldest_seconds", rollup="course_progress") or 0) > time.time() - 2
    gauges.show({})
    assert value("rollup_lag_records", rollup="course_progress") is None


def measuring(
    broker: Broker, positions: Callable[[], Mapping[Place, int]], seen: Callable[[dict[Place, Lag]], bool]
) -> None:
    """Keeps measuring until `seen` says yes to what is shown."""

    async def body() -> None:
        enough = asyncio.Event()

        def show(lags: Mapping[Place, Lag]) -> None:
            if seen(dict(lags)):
                enough.set()

        task = asyncio.create_task(keep_measuring(LagMeter(KafkaSettings(), "group"), positions, show))
        await asyncio.wait_for(enough.wait(), LIMIT)
        task.cancel()
        await asyncio.wait((task,), timeout=LIMIT)

    asyncio.run(body())
    assert broker.closed


def test_while_kafka_is_away_the_last_lag_stands_but_for_partitions_given_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "LOOK_SECONDS", 0.01)
    for partition in (0, 1):
        broker.has(partition, 0, 10, o7=7_000)
    held: dict[Place, int] = {(TOPIC, 0): 7, (TOPIC, 1): 7}
    shown: list[Any] = []

    def seen(lags: dict[Place, Lag]) -> bool:
        shown.append(lags)
        if broker.away:
            held.pop((TOPIC, 0), None)
        broker.away = True
        return len(shown) == 3

    measuring(broker, lambda: dict(held), seen)
    both = dict.fromkeys([(TOPIC, 0), (TOPIC, 1)], Lag(3, 7_000))
    assert shown == [both, both, {(TOPIC, 1): Lag(3, 7_000)}]


def test_a_partition_given_up_while_kafka_was_asked_is_not_shown(broker: Broker) -> None:
    broker.has(0, 0, 10, o7=7_000)
    answers = [{(TOPIC, 0): 7}, {}]
    measuring(broker, lambda: answers.pop(0), lambda lags: lags == {})


def test_a_client_that_failed_is_left_for_a_new_one(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Broker()
    lost.away = True
    clients = [lost, broker]
    monkeypatch.setattr(lag, "Consumer", lambda *_, **__: clients.pop(0))
    broker.has(0, 0, 10, o7=7_000)
    meter = LagMeter(KafkaSettings(), "group")
    with pytest.raises(KafkaException):
        meter.measure({(TOPIC, 0): 7})
    assert lost.closed
    assert meter.measure({(TOPIC, 0): 7}) == {(TOPIC, 0): Lag(3, 7_000)}
