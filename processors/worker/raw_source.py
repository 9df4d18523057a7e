"""Reads the raw topic in batches, by librdkafka: Faust's own consumer takes ten times as long per record.

One thread polls; another processes, and holds a lock while it does. A rebalance happens inside the poll, and
must take the lock: so the batch in flight is finished or given up before its partitions go to somebody else,
and batches that were read before and not yet begun are told by their epoch and dropped.

The assignment is eager ("range"), on purpose: every rebalance gives up everything, so at no moment does a
batch mix partitions kept with partitions lost, and the group's metadata of a batch is right or refused. A
partition that comes back as it was left keeps its duplicate window, so this costs a pause and no reading.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from bridge.contract import Headers, Position, RawEvent
from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.patience import Patience
from processors.settings import WorkerSettings
from processors.worker.batches import Batch, Sighting
from processors.worker.client_logs import LIBRDKAFKA
from processors.worker.duplicates import DuplicateWindow
from processors.worker.raw_history import RawHistory

log = logging.getLogger(__name__)


class Evicted(Exception):
    """Kafka has shut this worker out for good; only a new process can go on."""


def consumer_config(kafka: KafkaSettings, worker: WorkerSettings) -> dict[str, Any]:
    """The configuration of the raw consumer, for librdkafka."""
    timeout = int(worker.session_timeout_seconds * 1000)
    return client_config(
        kafka,
        group_id=worker.group_id,
        group_instance_id=worker.instance_id,
        session_timeout_ms=timeout,
        heartbeat_interval_ms=timeout // 3,
        partition_assignment_strategy="range",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        enable_partition_eof=False,
    )


class RawSource:
    """The raw records of this worker's partitions, in batches of at most `batch_size`."""

    def __init__(
        self,
        kafka: KafkaSettings,
        worker: WorkerSettings,
        topic: str,
        window: DuplicateWindow,
        patience: Patience,
    ) -> None:
        config = consumer_config(kafka, worker)
        self.consumer = Consumer(config, logger=LIBRDKAFKA, error_cb=self._on_error)
        self._history = RawHistory(config, worker.duplicate_window_seconds * 1000, patience)
        self._worker = worker
        self._topic = topic
        self._window = window
        self._patience = patience
        self._lock = threading.RLock()
        self._epoch = self._made = self._due = 0
        self._settled: dict[int, int] = {}
        self._live_from: dict[int, int] = {}
        self._going_back = False
        self._fatal: KafkaError | None = None
        self.assigned = False

    def subscribe(self) -> None:
        """Joins the group."""
        self.consumer.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke)

    def poll(self) -> Batch | None:
        """The next batch, after at most `batch_wait_seconds`; None where there is none. Raises Evicted."""
        self._patience.beat()
        if self._fatal is not None:
            raise Evicted(f"Kafka shut this worker out: {self._fatal.str()}")
        with self._lock:
            if self._going_back:
                self._resume()
            epoch = self._epoch
        messages = self.consumer.consume(self._worker.batch_size, self._worker.batch_wait_seconds)
        messages = [message for message in messages if self._is_record(message)]
        with self._lock:
            if epoch == self._epoch:
                return self._batch(messages) if messages else None
            # The assignment has changed meanwhile: which of these were read before cannot be told.
            self._going_back = self._going_back or bool(messages)
            return None

    @contextmanager
    def holding(self, batch: Batch) -> Iterator[bool]:
        """Keeps the assignment as it is. False: the batch is no longer ours, drop it."""
        with self._lock:
            if batch.epoch == self._epoch and batch.number != self._due:
                log.error("batch %s is missing, reading it again", self._due)
                self.go_back()
            yield batch.epoch == self._epoch

    def settle(self, batch: Batch) -> None:
        """The batch is done: its records will not be read again."""
        self._due += 1
        self._settled.update(batch.ends)

    def go_back(self) -> None:
        """Reads again from where the last settled batch ended; batches already read become void."""
        with self._lock:
            self._next_epoch()
            self._going_back = True

    def positions(self) -> dict[tuple[str, int], int]:
        """Per partition the next offset to be processed. Does not wait for a batch in flight."""
        live_from, settled = self._live_from.copy(), self._settled
        return {(self._topic, part): max(at, settled.get(part, at)) for part, at in live_from.items()}

    def close(self) -> None:
        """Leaves the group. A static member keeps its partitions until its session times out."""
        self.consumer.close()

    def _on_error(self, error: KafkaError) -> None:
        # Brokers that do not answer, and a verdict on this member, are told of here and nowhere else.
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._fatal = error
        else:
            self._patience.note_trouble()

    def _next_epoch(self) -> None:
        self._epoch += 1
        self._made = self._due = 0

    def _resume(self) -> None:
        self._going_back = False
        if self._live_from:
            self.consumer.assign(
                [TopicPartition(self._topic, part, self._settled[part]) for part in self._live_from]
            )

    def _on_assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        starts = self._history.starts(consumer, partitions)
        with self._lock:
            self._next_epoch()
            self._live_from = {part: start.live_from for part, start in starts.items()}
            for part in [part for part in self._settled if part not in starts]:
                self._forget(part)
            for part, start in starts.items():
                if self._settled.get(part) != start.live_from:
                    self._forget(part)
                    self._settled[part] = start.read_from
            consumer.assign([TopicPartition(self._topic, part, self._settled[part]) for part in starts])
            self.assigned = True
        log.info("assigned partitions %s of %s", sorted(starts), self._topic)

    def _on_revoke(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        with self._lock:
            self._next_epoch()
            self._live_from = {}
            self.assigned = False
        log.info("gave up partitions %s of %s", sorted(part.partition for part in partitions), self._topic)

    def _forget(self, partition: int) -> None:
        self._settled.pop(partition, None)
        self._window.forget(partition)

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        self._on_error(error)
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            log.warning("%s: run `canvas-processors topics create`", error.str())
        else:
            log.warning("reading %s: %s", self._topic, error.str())
        return False

    def _batch(self, messages: list[Message]) -> Batch:
        history: list[Sighting] = []
        live: list[RawEvent] = []
        ends: dict[int, int] = {}
        for message in messages:
            _, partition, offset = place = _position(message)
            ends[partition] = offset + 1
            if offset >= self._live_from[partition]:
                live.append(_raw_event(message, place))
            elif (key := message.key()) is not None:
                history.append(Sighting(partition, offset, key, message.timestamp()[1]))
        commits = {part: end for part, end in ends.items() if end > self._live_from[part]}
        self._made += 1
        group = self.consumer.consumer_group_metadata()
        return Batch(self._topic, self._epoch, self._made - 1, history, live, ends, commits, group)


def _position(message: Message) -> Position:
    return Position(
        cast("str", message.topic()), cast("int", message.partition()), cast("int", message.offset())
    )


def _raw_event(message: Message, position: Position) -> RawEvent:
    return RawEvent(
        value=message.value() or b"",
        key=message.key(),
        headers=cast("Headers", tuple(message.headers() or ())),
        received_at=message.timestamp()[1],
        position=position,
    )
