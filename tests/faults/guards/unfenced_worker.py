"""The stalled worker, whom Kafka cannot know for a zombie: its offsets say nothing of a generation.

So commit clients that do not hand their group's metadata to `send_offsets_to_transaction`.
"""

from collections.abc import Iterable
from dataclasses import replace

from confluent_kafka import Consumer

from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.__main__ import main
from processors.records import OutgoingRecord
from processors.settings import GroupSettings
from processors.worker.batches import Batch
from processors.worker.delivery.exactly_once import ExactlyOnce
from tests.faults.guards.stalled_worker import stall

honest_deliver = ExactlyOnce.deliver
strangers: list[Consumer] = []


def deliver(self: ExactlyOnce, records: Iterable[OutgoingRecord], batch: Batch) -> None:
    if not strangers:
        strangers.append(Consumer(client_config(KafkaSettings(), group_id=GroupSettings().group_id)))
    honest_deliver(self, records, replace(batch, group=strangers[0].consumer_group_metadata()))


if __name__ == "__main__":
    stall()
    ExactlyOnce.deliver = deliver  # type: ignore[method-assign]
    main()
