"""The raw source: whose a batch is, what is history, and that nothing is skipped when reading goes back."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.settings import WorkerSettings
from processors.worker import raw_source
from processors.worker.batches import Batch
from processors.worker.duplicates import DuplicateWindow
from processors.worker.raw_history import Start
from processors.worker.raw_source import Evicted, RawSource

TOPIC = "canvas.raw"
Callback = Callable[[Any, list[TopicPartition]], None]


class Message:
    def __init__(self, partition: int, offset: int, error: KafkaError | None = None) -> None:
        self._place = partition, offset
        self._error = error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]

    def key(self) -> bytes:
        return b"%d" % self._place[1]

    def value(self) -> bytes:
        return b"{}"

    def headers(self) -> list[tuple[str, bytes]]:
        return []

    def timestamp(self) -> tuple[int, int]:
        return 1, self._place[1]


class Broker:
    """Stands for librdkafka's consumer: a script of what happens during the next polls."""

    def __init__(self, config: dict[str, Any], **more: Any) -> None:
        self.config, self.on_error = config, more["error_cb"]
        self.polls: list[Callable[[], Sequence[Message]]] = []
        self.assigned: dict[int, int] = {}
        self.on_assign: Callback
        self.on_revoke: Callback

    def subscribe(self, topics: list[str], on_assign: Callback, on_revoke: Callback) -> None:
        assert topics == [TOPIC]
        self.on_assign, self.on_revoke = on_assign, on_revoke

    def assign(self, parts: list[TopicPartition]) -> None:
        self.assigned = {part.partition: part.offset for part in parts}

    def consume(self, _: int, __: float) -> Sequence[Message]:
        return self.polls.pop(0)() if self.polls else []

    def consumer_group_metadata(self) -> str:
        return "metadata"

    def rebalance(self, *partitions: int) -> None:
        self.on_revoke(self, [])
        self.on_assign(self, [TopicPartition(TOPIC, part) for part in partitions])


class Site:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(raw_source, "Consumer", Broker)
        monkeypatch.setattr(raw_source, "RawHistory", lambda *_: self)
        self.committed: dict[int, Start] = {}
        self.window = DuplicateWindow(60)
        self.source = RawSource(KafkaSettings(), WorkerSettings(), TOPIC, self.window, Patience())
        self.broker: Broker = self.source.consumer  # type: ignore[assignment]
        self.source.subscribe()

    def starts(self, _: Any, partitions: Sequence[TopicPartition]) -> dict[int, Start]:
        return {part.partition: self.committed[part.partition] for part in partitions}

    def assign(self, **committed: tuple[int, int]) -> None:
        """`p0=(read_from, live_from)`."""
        self.committed = {int(name[1:]): Start(*start) for name, start in committed.items()}
        self.broker.rebalance(*self.committed)

    def read(self, *messages: Message) -> Batch | None:
        self.broker.polls.append(lambda: messages)
        return self.source.poll()

    def batch(self, *messages: Message) -> Batch:
        batch = self.read(*messages)
        assert batch is not None
        return batch

    def settle(self, batch: Batch) -> bool:
        with self.source.holding(batch) as ours:
            if ours:
                self.window.remember(batch.live)
                self.source.settle(batch)
        return ours


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def test_it_reads_committed_as_a_static_member_with_eager_assignment(site: Site) -> None:
    config = site.broker.config
    assert config["isolation.level"] == "read_committed"
    assert config["enable.auto.commit"] is False
    assert config["auto.offset.reset"] == "earliest"
    assert config["group.instance.id"] == WorkerSettings().instance_id
    assert config["partition.assignment.strategy"] == "range"


def test_records_below_the_committed_offset_only_fill_the_window(site: Site) -> None:
    site.assign(p0=(3, 5), p1=(0, 0))
    assert site.broker.assigned == {0: 3, 1: 0}
    batch = site.batch(Message(0, 3), Message(0, 4), Message(1, 0))
    assert [item.key for item in batch.history] == [b"3", b"4"]
    assert [str(raw.position) for raw in batch.live] == ["canvas.raw/1/0"]
    assert batch.ends == {0: 5, 1: 1}
    # Partition 0 is not committed: its offset is there already, and must not go back.
    assert batch.commits == {1: 1}


def test_a_batch_of_a_lost_assignment_is_void(site: Site) -> None:
    site.assign(p0=(0, 0))
    batch = site.batch(Message(0, 0))
    site.assign(p0=(0, 0))
    assert not site.settle(batch)


def test_what_is_read_while_the_assignment_changes_is_read_again(site: Site) -> None:
    site.assign(p0=(0, 0))

    def rebalance_in_the_poll() -> Sequence[Message]:
        site.assign(p0=(0, 0), p1=(0, 0))
        return [Message(1, 0)]

    site.broker.polls.append(rebalance_in_the_poll)
    assert site.source.poll() is None
    site.broker.assigned = {}
    site.batch(Message(0, 0))
    assert site.broker.assigned == {0: 0, 1: 0}


def test_after_a_failure_reading_goes_on_where_the_last_settled_batch_ended(site: Site) -> None:
    site.assign(p0=(0, 0))
    assert site.settle(site.batch(Message(0, 0), Message(0, 1)))
    failed, read_ahead = site.batch(Message(0, 2)), site.batch(Message(0, 3))
    site.source.go_back()
    assert not site.settle(failed)
    assert not site.settle(read_ahead)
    again = site.batch(Message(0, 2))
    assert site.broker.assigned == {0: 2}
    assert site.settle(again)


def test_a_failure_during_the_next_poll_voids_what_that_poll_brings(site: Site) -> None:
    site.assign(p0=(0, 0))
    site.batch(Message(0, 0))

    def failure_in_the_poll() -> Sequence[Message]:
        site.source.go_back()
        return [Message(0, 1)]

    site.broker.polls.append(failure_in_the_poll)
    assert site.source.poll() is None
    assert site.settle(site.batch(Message(0, 0)))
    assert site.broker.assigned == {0: 0}


def test_a_batch_that_got_lost_on_its_way_is_noticed_and_read_again(site: Site) -> None:
    site.assign(p0=(0, 0))
    site.batch(Message(0, 0))  # never arrives
    assert not site.settle(site.batch(Message(0, 1)))
    assert site.settle(site.batch(Message(0, 0), Message(0, 1)))
    assert site.broker.assigned == {0: 0}


def test_a_partition_that_comes_back_as_it_was_left_keeps_its_window(site: Site) -> None:
    site.assign(p0=(0, 0))
    site.settle(site.batch(Message(0, 0)))
    site.assign(p0=(0, 1))
    assert site.broker.assigned == {0: 1}
    assert len(site.window) == 1


def test_a_partition_that_others_went_on_with_is_read_back(site: Site) -> None:
    site.assign(p0=(0, 0))
    site.settle(site.batch(Message(0, 0)))
    site.assign(p0=(2, 9))
    assert site.broker.assigned == {0: 2}
    assert len(site.window) == 0


def test_a_partition_that_is_lost_leaves_the_window(site: Site) -> None:
    site.assign(p0=(0, 0), p1=(0, 0))
    site.settle(site.batch(Message(0, 0), Message(1, 0)))
    site.assign(p1=(0, 1))
    assert len(site.window) == 1


def test_a_verdict_is_heard_also_among_records_that_are_dropped(site: Site) -> None:
    site.assign(p0=(0, 0))

    def evicted_in_the_poll() -> Sequence[Message]:
        site.broker.on_revoke(site.broker, [])
        return [Message(0, 0, KafkaError(KafkaError._FATAL, "fenced", fatal=True))]

    site.broker.polls.append(evicted_in_the_poll)
    site.source.poll()
    with pytest.raises(Evicted, match="fenced"):
        site.source.poll()


def test_a_passing_error_is_no_record_and_no_end(site: Site) -> None:
    site.assign(p0=(0, 0))
    assert site.read(Message(0, 0, KafkaError(KafkaError._TRANSPORT))) is None
    assert site.settle(site.batch(Message(0, 0)))


def test_positions_are_where_processing_goes_on_and_never_within_the_history(site: Site) -> None:
    assert site.source.positions() == {}
    site.assign(p0=(5, 8), p1=(0, 0))
    assert site.source.positions() == {(TOPIC, 0): 8, (TOPIC, 1): 0}
    history = site.batch(Message(0, 5), Message(0, 6))
    assert site.settle(history)
    assert site.source.positions()[TOPIC, 0] == 8
    live = site.batch(Message(0, 8), Message(0, 11))
    assert site.source.positions()[TOPIC, 0] == 8  # read, and not yet processed
    assert site.settle(live)
    assert site.source.positions() == {(TOPIC, 0): 12, (TOPIC, 1): 0}
    site.assign(p1=(0, 0))
    assert site.source.positions() == {(TOPIC, 1): 0}
