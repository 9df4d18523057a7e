"""Dead letters as the stages write them and Kafka gives them back."""

from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message

from bridge.contract import Position, RawEvent
from bridge.identity import event_id
from processors.dead_letters.letters import DeadLetter, read_letter
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from tests.planted import FAN_OUT
from tests.samples import CATALOGUE, RECEIVED_AT


@dataclass
class KafkaRecord:
    """As confluent_kafka's Message."""

    record: OutgoingRecord
    place: Position
    without: tuple[str, ...] = ()

    def topic(self) -> str:
        return self.place.topic

    def partition(self) -> int:
        return self.place.partition

    def offset(self) -> int:
        return self.place.offset

    def key(self) -> bytes | None:
        return self.record.key

    def value(self) -> bytes:
        return self.record.value

    def headers(self) -> list[tuple[str, bytes]]:
        return [header for header in self.record.headers if header[0] not in self.without]

    def timestamp(self) -> tuple[int, int]:
        return 1, self.record.timestamp


def messages_of(
    value: bytes,
    without: tuple[str, ...] = (),
    received_at: int = RECEIVED_AT,
    offset: int = 5,
) -> list[Message]:
    """The records in the dead letter topic of one delivery; its other events are left out."""
    raw = RawEvent(
        value, event_id(value).encode(), (("ce_source", b"x"),), received_at, Position("canvas.raw", 3, 7)
    )
    failed = [outcome.outgoing for outcome in Pipeline(CATALOGUE, FAN_OUT).run(raw) if outcome.failure]
    found: list[Any] = [
        KafkaRecord(record, Position("canvas.dead_letter", 1, offset + index), without)
        for index, record in enumerate(failed)
    ]
    return found


def letters_of(value: bytes) -> list[DeadLetter]:
    """The letters of one delivery."""
    return [read_letter(message) for message in messages_of(value)]


def letter_of(
    value: bytes, without: tuple[str, ...] = (), received_at: int = RECEIVED_AT, offset: int = 5
) -> DeadLetter:
    (message,) = messages_of(value, without, received_at, offset)
    return read_letter(message)
