"""How a batch's records and its raw offsets reach Kafka: a family of two guarantees.

exactly_once puts both into one Kafka transaction: consumers that read committed see every event once, or not
yet. at_least_once confirms the records and then commits the offsets: a crash in between repeats the batch.
Neither moves an offset before everything is confirmed.
"""

from collections.abc import Callable, Mapping
from typing import Final

from confluent_kafka import Consumer

from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.settings import Delivery, WorkerSettings
from processors.worker.delivery.at_least_once import AtLeastOnce
from processors.worker.delivery.base import BatchDelivery
from processors.worker.delivery.exactly_once import ExactlyOnce

Member = Callable[[KafkaSettings, WorkerSettings, Consumer, Patience], BatchDelivery]

DELIVERIES: Final[Mapping[Delivery, Member]] = {
    Delivery.EXACTLY_ONCE: ExactlyOnce,
    Delivery.AT_LEAST_ONCE: AtLeastOnce,
}
