"""at_least_once: offsets after confirmations, and never where one is missing."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.records import OutgoingRecord
from processors.worker.delivery.at_least_once import AtLeastOnce
from processors.worker.delivery.base import NotDelivered
from processors.worker.raw_source import Evicted
from tests.unit.told_client import (
    BATCH,
    RECORDS,
    WORKER,
    Client,
    RefusedMessage,
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
def consumer() -> Client:
    return Client()


@pytest.fixture
def at_least_once(producer: Client, consumer: Any, patience: Patience) -> AtLeastOnce:
    return AtLeastOnce(KafkaSettings(), WORKER, consumer, patience)


def test_offsets_are_committed_after_every_record_is_confirmed(
    at_least_once: AtLeastOnce, consumer: Client, producer: Client
) -> None:
    producer.flushes = [2, 1, 0]
    at_least_once.deliver(RECORDS, BATCH)
    assert producer.names() == ["produce", "produce", "flush", "flush", "flush"]
    assert consumer.calls == [("commit", [(0, 7)])]
    assert "transactional.id" not in producer.config


def test_offsets_are_not_committed_where_a_record_was_refused(
    at_least_once: AtLeastOnce, consumer: Client, producer: Client
) -> None:
    def records() -> Iterator[OutgoingRecord]:
        yield from RECORDS
        producer.config["on_delivery"](KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), RefusedMessage())

    with pytest.raises(NotDelivered, match=r"canvas\.a"):
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
    at_least_once: AtLeastOnce, consumer: Client, producer: Client, patience: Patience
) -> None:
    producer.flushes, producer.waiting = [2], 2
    patience.stop()
    with pytest.raises(NotDelivered, match="stopped"):
        at_least_once.deliver(RECORDS, BATCH)
    assert consumer.calls == []
    assert "purge" in producer.names()
