"""exactly_once: one transaction per batch, and what each kind of error means for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.worker.delivery.base import NotDelivered
from processors.worker.delivery.exactly_once import ExactlyOnce
from processors.worker.raw_source import Evicted
from tests.unit.told_client import (
    ABORTABLE,
    BATCH,
    FATAL,
    RECORDS,
    RETRIABLE,
    WORKER,
    Client,
    impatient,
    in_place_of_the_producer,
)


@pytest.fixture
def patience() -> Patience:
    return impatient()


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Client:
    return in_place_of_the_producer(monkeypatch)


@pytest.fixture
def exactly_once(producer: Client, patience: Patience) -> ExactlyOnce:
    consumer: Any = Client()
    return ExactlyOnce(KafkaSettings(), WORKER, consumer, patience)


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
