"""What holds of every delivery: it counts wholly or not at all, and says what was refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError

from bridge.settings import KafkaSettings
from processors.records import OutgoingRecord
from processors.worker.delivery import DELIVERIES, Member, outbox
from processors.worker.delivery.base import BatchDelivery, NotDelivered
from tests.unit.told_client import ABORTABLE, BATCH, FATAL, RECORDS, WORKER, Client, RefusedMessage, impatient


class Site:
    """One member between a producer and a consumer that do as they are told."""

    def __init__(self, member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
        self.consumer, self.patience = Client(), impatient()
        monkeypatch.setattr(outbox, "Producer", self._make)
        consumer: Any = self.consumer
        self.delivery: BatchDelivery = member(KafkaSettings(), WORKER, consumer, self.patience)

    def _make(self, config: dict[str, Any], **_: Any) -> Client:
        self.producer = Client(config)
        return self.producer

    def offsets_moved(self) -> bool:
        return "commit" in self.consumer.names() or "commit_transaction" in self.producer.names()


@pytest.fixture(params=DELIVERIES.values(), ids=list(DELIVERIES))
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(request.param, monkeypatch)


def test_every_record_is_produced_and_then_the_offsets_move(site: Site) -> None:
    site.delivery.open()
    site.delivery.deliver(RECORDS, BATCH)
    assert [call for call in site.producer.calls if call[0] == "produce"] == [
        ("produce", "canvas.a"),
        ("produce", "canvas.b"),
    ]
    assert site.offsets_moved()


def test_a_full_queue_is_waited_for(site: Site) -> None:
    site.producer.failures["produce"] = [BufferError(), BufferError()]
    site.delivery.deliver(RECORDS, BATCH)
    assert site.producer.names().count("produce") == 4


def test_a_stop_ends_the_waiting_for_a_full_queue_and_nothing_counts(site: Site) -> None:
    site.producer.failures["produce"] = [BufferError()]
    site.patience.stop()
    with pytest.raises(NotDelivered, match="stopped"):
        site.delivery.deliver(RECORDS, BATCH)
    assert not site.offsets_moved()


def test_a_defect_in_a_stage_is_passed_on_and_nothing_counts(site: Site) -> None:
    def records() -> Iterator[OutgoingRecord]:
        yield RECORDS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        site.delivery.deliver(records(), BATCH)
    assert not site.offsets_moved()


def test_records_are_stored_by_all_replicas_once_and_where_other_clients_would_put_them(site: Site) -> None:
    assert site.producer.config["acks"] == "all"
    assert site.producer.config["enable.idempotence"] is True
    assert site.producer.config["partitioner"] == "murmur2_random"


def test_a_topic_that_is_missing_is_named_with_the_remedy(site: Site) -> None:
    site.producer.failures["commit_transaction"] = [ABORTABLE]

    def records() -> Iterator[OutgoingRecord]:
        yield RECORDS[0]
        site.producer.config["on_delivery"](KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), RefusedMessage())

    with pytest.raises(NotDelivered, match=r"canvas\.a: .*topics create"):
        site.delivery.deliver(records(), BATCH)


@pytest.mark.parametrize("failure", [FATAL, SystemError()], ids=["told", "in a callback of C"])
def test_a_producer_that_was_shut_out_can_be_let_go_of(site: Site, failure: Exception) -> None:
    site.producer.waiting = 1
    site.producer.failures["flush"] = [failure]
    site.delivery.close()
    assert site.producer.names()[-2:] == ["purge", "flush"]
