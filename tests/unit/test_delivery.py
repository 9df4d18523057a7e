"""Both deliveries against a producer that does as it is told: order, what is repeated, and what counts."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bridge.settings import KafkaSettings
from processors import delivery
from processors.batches import Batch
from processors.delivery import AtLeastOnce, ExactlyOnce, NotDelivered
from processors.patience import Patience
from processors.raw_source import Evicted
from processors.records import OutgoingRecord
from processors.settings import WorkerSettings

WORKER = WorkerSettings(group_id="g", instance_id="one")
BATCH = Batch("canvas.raw", 0, 0, (), (), {0: 7, 1: 9}, {0: 7}, "generation 3")
RECORDS = [OutgoingRecord(f"canvas.{name}", b"k", b"v", (("ce_id", b"1"),), 5) for name in ("a", "b")]

RETRIABLE = KafkaException(KafkaError(KafkaError._TIMED_OUT, "away", retriable=True))
ABORTABLE = KafkaException(KafkaError(KafkaError._TIMED_OUT, "lost", txn_requires_abort=True))
FATAL = KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))


class Client:
    """Stands for librdkafka's producer and consumer; `failures` are raised, call by call."""

    def __init__(self, config: dict[str, Any] | None = None, **_: Any) -> None:
        self.config = config or {}
        self.calls: list[Any] = []
        self.failures: dict[str, list[Exception | None]] = {}
        self.waiting = 0
        self.flushes: list[int] = []

    def produce(self, topic: str, *_: Any, **__: Any) -> None:
        self._called("produce", topic)

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], group: Any, _: float) -> None:
        self._called("send_offsets", [(part.partition, part.offset) for part in offsets], group)

    def commit(self, offsets: list[TopicPartition], *, asynchronous: bool) -> None:
        assert not asynchronous
        self._called("commit", [(part.partition, part.offset) for part in offsets])

    def flush(self, _: float) -> int:
        self._called("flush")
        return self.flushes.pop(0) if self.flushes else 0

    def poll(self, _: float) -> int:
        return 0

    def __len__(self) -> int:
        return self.waiting

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self._called(name)

    def names(self) -> list[str]:
        return [call if isinstance(call, str) else call[0] for call in self.calls]

    def _called(self, name: str, *more: Any) -> None:
        self.calls.append((name, *more) if more else name)
        failures = self.failures.get(name)
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure


@pytest.fixture
def patience() -> Patience:
    impatient = Patience()
    impatient.wait = lambda attempt: not impatient.stopping  # type: ignore[method-assign]
    return impatient


@pytest.fixture(autouse=True)
def producers(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    made: list[Client] = []

    def make(config: dict[str, Any], **_: Any) -> Client:
        made.append(Client(config))
        return made[-1]

    monkeypatch.setattr(delivery, "Producer", make)
    return made


@pytest.fixture
def exactly_once(patience: Patience) -> ExactlyOnce:
    return ExactlyOnce(KafkaSettings(), WORKER, Client(), patience)  # type: ignore[arg-type]


@pytest.fixture
def producer(exactly_once: ExactlyOnce, producers: list[Client]) -> Client:
    return producers[-1]


def test_records_and_offsets_go_into_one_transaction(exactly_once: ExactlyOnce, producer: Client) -> None:
    exactly_once.open()
    exactly_once.deliver(RECORDS, BATCH)
    assert producer.calls == [
        "init_transactions",
        "begin_transaction",
        ("produce", "canvas.a"),
        ("produce", "canvas.b"),
        ("send_offsets", [(0, 7)], "generation 3"),
        "commit_transaction",
    ]
    assert producer.config["transactional.id"] == "g-one"
    assert producer.config["acks"] == "all"
    assert producer.config["partitioner"] == "murmur2_random"


def test_a_commit_without_answer_is_repeated_and_not_aborted(
    exactly_once: ExactlyOnce, producer: Client
) -> None:
    producer.failures["commit_transaction"] = [RETRIABLE, RETRIABLE]
    exactly_once.deliver(RECORDS, BATCH)
    assert producer.names().count("commit_transaction") == 3
    assert "abort_transaction" not in producer.names()


@pytest.mark.parametrize("call", ["produce", "send_offsets", "commit_transaction"])
def test_an_abortable_error_aborts_and_the_batch_does_not_count(
    exactly_once: ExactlyOnce, producer: Client, call: str
) -> None:
    producer.failures[call] = [ABORTABLE]
    with pytest.raises(NotDelivered, match="lost"):
        exactly_once.deliver(RECORDS, BATCH)
    assert producer.names()[-1] == "abort_transaction"
    exactly_once.deliver(RECORDS, BATCH)
    assert producer.names()[-1] == "commit_transaction"


def test_a_refused_record_is_named_with_the_remedy(exactly_once: ExactlyOnce, producer: Client) -> None:
    class Refused:
        def topic(self) -> str:
            return "canvas.a"

    producer.failures["commit_transaction"] = [ABORTABLE]

    def records() -> Iterator[OutgoingRecord]:
        yield RECORDS[0]
        producer.config["on_delivery"](KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), Refused())

    with pytest.raises(NotDelivered, match=r"canvas\.a: .*topics create"):
        exactly_once.deliver(records(), BATCH)


def test_fenced_means_that_only_a_new_process_can_go_on(exactly_once: ExactlyOnce, producer: Client) -> None:
    producer.failures["commit_transaction"] = [FATAL]
    with pytest.raises(Evicted, match="fenced"):
        exactly_once.deliver(RECORDS, BATCH)
    assert "abort_transaction" not in producer.names()


def test_offsets_without_answer_are_not_sent_again_by_the_same_producer(
    exactly_once: ExactlyOnce, producer: Client, patience: Patience
) -> None:
    producer.failures["send_offsets"] = [RETRIABLE]
    with pytest.raises(Evicted, match="away"):
        exactly_once.deliver(RECORDS, BATCH)
    assert producer.names().count("send_offsets") == 1
    assert patience.last_trouble > 0


def test_a_defect_in_a_stage_aborts_what_was_already_sent(
    exactly_once: ExactlyOnce, producer: Client
) -> None:
    def records() -> Iterator[OutgoingRecord]:
        yield RECORDS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exactly_once.deliver(records(), BATCH)
    assert producer.names()[-2:] == ["produce", "abort_transaction"]


@pytest.mark.parametrize("kind", [ExactlyOnce, AtLeastOnce])
def test_a_full_queue_is_waited_for(
    kind: type[ExactlyOnce | AtLeastOnce], patience: Patience, producers: list[Client]
) -> None:
    member = kind(KafkaSettings(), WORKER, Client(), patience)  # type: ignore[arg-type]
    producers[-1].failures["produce"] = [BufferError(), BufferError()]
    member.deliver(RECORDS, BATCH)
    assert producers[-1].names().count("produce") == 4


@pytest.fixture
def consumer() -> Client:
    return Client()


@pytest.fixture
def at_least_once(patience: Patience, consumer: Client) -> AtLeastOnce:
    return AtLeastOnce(KafkaSettings(), WORKER, consumer, patience)  # type: ignore[arg-type]


def test_offsets_are_committed_after_every_record_is_confirmed(
    at_least_once: AtLeastOnce, consumer: Client, producers: list[Client]
) -> None:
    producers[-1].flushes = [2, 1, 0]
    at_least_once.deliver(RECORDS, BATCH)
    assert producers[-1].names() == ["produce", "produce", "flush", "flush", "flush"]
    assert consumer.calls == [("commit", [(0, 7)])]
    assert "transactional.id" not in producers[-1].config


def test_offsets_are_not_committed_where_a_record_was_refused(
    at_least_once: AtLeastOnce, consumer: Client, producers: list[Client]
) -> None:
    class Refused:
        def topic(self) -> str:
            return "canvas.b"

    def records() -> Iterator[OutgoingRecord]:
        yield from RECORDS
        producers[-1].config["on_delivery"](KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), Refused())

    with pytest.raises(NotDelivered, match=r"canvas\.b"):
        at_least_once.deliver(records(), BATCH)
    assert consumer.calls == []
    at_least_once.deliver(RECORDS, BATCH)
    assert consumer.names() == ["commit"]


def test_a_commit_is_repeated_while_the_coordinator_moves(
    at_least_once: AtLeastOnce, consumer: Client
) -> None:
    consumer.failures["commit"] = [KafkaException(KafkaError(KafkaError.NOT_COORDINATOR))]
    at_least_once.deliver(RECORDS, BATCH)
    assert consumer.names() == ["commit", "commit"]


@pytest.mark.parametrize(
    ("code", "raised"),
    [(KafkaError.ILLEGAL_GENERATION, NotDelivered), (KafkaError.FENCED_INSTANCE_ID, Evicted)],
)
def test_a_commit_that_is_refused_is_not_repeated(
    at_least_once: AtLeastOnce, consumer: Client, code: int, raised: type[Exception]
) -> None:
    consumer.failures["commit"] = [KafkaException(KafkaError(code))]
    with pytest.raises(raised):
        at_least_once.deliver(RECORDS, BATCH)
    assert consumer.names() == ["commit"]


def test_a_stop_during_an_outage_commits_nothing_and_drops_the_rest(
    at_least_once: AtLeastOnce, consumer: Client, producers: list[Client], patience: Patience
) -> None:
    producers[-1].flushes, producers[-1].waiting = [2], 2
    patience.stop()
    with pytest.raises(NotDelivered, match="stopped"):
        at_least_once.deliver(RECORDS, BATCH)
    assert consumer.calls == []
    assert "purge" in producers[-1].names()
