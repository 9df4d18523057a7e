"""The journey of one event: how it came, what became of it, and what it went into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import click
from confluent_kafka import Message

from bridge.contract import (
    CE_ID,
    CE_SOURCE,
    SIGNATURE_KID,
    SIGNATURE_VERIFIED_AT,
    SQS_MESSAGE_ID,
    TRACEPARENT,
    Headers,
    Position,
    RawEvent,
    iso_time,
)
from processors.audit.findings import Kind
from processors.audit.outcomes import Outcomes
from processors.audit.reading import Question, our_row, raw_bounds
from processors.audit.search import RawCopy, Search
from processors.catalogue import Catalogue
from processors.failures import Failure
from processors.names import TopicNames
from processors.replay.reading import Span
from processors.replay.retention import kept_since
from processors.topics.topic_scan import position_of
from processors.validate import validate

_TOLD: Final[Mapping[str, str]] = {
    "door": CE_SOURCE,
    "sqs_message_id": SQS_MESSAGE_ID,
    "signature_key": SIGNATURE_KID,
    "signature_verified_at": SIGNATURE_VERIFIED_AT,
    "traceparent": TRACEPARENT,
}


@dataclass(slots=True)
class Journey:
    """`deliveries`: of the event, the oldest first, each with what came of it, ready for JSON.

    `expired`: where the raw record was that is there no longer. `is_whole`: something came of everything.
    """

    event_id: str
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    expired: str | None = None
    is_whole: bool = True


class Explorer:
    """Follows events. Raises click.ClickException where Kafka cannot be read or there is no such event."""

    def __init__(self, question: Question, catalogue: Catalogue, search: Search, outcomes: Outcomes) -> None:
        self._question = question
        self._catalogue = catalogue
        self._search = search
        self._outcomes = outcomes
        self._names = TopicNames(question.kafka.topic_prefix)
        self._kinds = {self._names.typed(name): Kind.TYPED for name in catalogue.events}
        self._kinds |= {self._names.unknown: Kind.UNKNOWN, self._names.dead_letter: Kind.DEAD_LETTER}

    def of_place(self, place: Position) -> Journey:
        """The journey of the record there: a raw one, or one of ours."""
        message = self._search.one(place)
        if message is None:
            raise click.ClickException(
                f"there is nothing at {place}: it has expired, its transaction was aborted, or it never was"
            )
        if place.topic == self._names.raw:
            return self._of_raw(message)
        if place.topic not in self._kinds:
            raise click.ClickException(
                f"{place.topic} is no topic of events: give a place in {self._names.raw}, a typed topic, "
                f"{self._names.unknown} or {self._names.dead_letter}, or an event id"
            )
        return self._of_ours([message])

    def of_id(self, event_id: str) -> Journey:
        """The journey of the event with this id."""
        span = self._question.span
        copies = self._search.raw_copies(self._names.raw, event_id.encode(), span)
        if copies:
            return self._journey(event_id, copies)
        # An event of several in one delivery has an id of its own; and the raw record may have expired.
        found = self._search.records(
            list(self._kinds), span.since, lambda message: _id_of(message) == event_id.encode()
        )
        if not found:
            raise click.ClickException(
                f"there is no event {event_id} in {self._names.raw}, nor in what came of it: it has expired, "
                "was never accepted, or lies outside of --from and --to"
            )
        return self._of_ours(found)

    def _of_ours(self, found: Sequence[Message]) -> Journey:
        row = our_row(found[0], self._kinds, self._names.raw)
        raw = self._search.one(_position(row.lineage)) if row.place >= 0 and row.lineage else None
        if raw is not None:
            return self._of_raw(raw, row.event_id.decode("utf-8", "replace"))
        journey = Journey(row.event_id.decode("utf-8", "replace"), expired=row.lineage or "unknown")
        journey.records = [self._outcomes.tell(message, self._kinds) for message in found]
        return journey

    def _of_raw(self, message: Message, event_id: str | None = None) -> Journey:
        key, received_at = message.key(), message.timestamp()[1]
        place = position_of(message)
        copies = [RawCopy(message, place, received_at)]
        if key is not None:
            since = max(0, received_at - self._question.window)
            copies = self._search.raw_copies(self._names.raw, key, Span(since), place.partition)
        return self._journey(event_id or (key or b"").decode("utf-8", "replace"), copies)

    def _journey(self, event_id: str, copies: Sequence[RawCopy]) -> Journey:
        journey, places = Journey(event_id), {str(copy.position) for copy in copies}
        # First how far the workers are: what came of records before that is there, once it is decided.
        _, ends = raw_bounds(self._question.kafka, self._question.group_id, self._names.raw)
        found = self._search.records(
            self._topics(copies),
            min(copy.message.timestamp()[1] for copy in copies),
            lambda message: our_row(message, self._kinds, self._names.raw).lineage in places,
        )
        came: dict[str, list[dict[str, Any]]] = {place: [] for place in places}
        for message in found:
            lineage = our_row(message, self._kinds, self._names.raw).lineage
            came[lineage or ""].append(self._outcomes.tell(message, self._kinds))
        for index, copy in enumerate(copies):
            told = _delivery(copy)
            told["became"] = came[str(copy.position)]
            told["state"] = self._state(copy, copies[:index], ends) if not told["became"] else "processed"
            journey.is_whole &= told["state"] != "missing"
            told["payload"] = self._outcomes.payload(copy.message.value() or b"")
            journey.deliveries.append(told)
        return journey

    def _state(self, copy: RawCopy, earlier: Sequence[RawCopy], ends: Mapping[int, int]) -> str:
        """Of a raw record of which nothing came."""
        if copy.position.offset >= ends.get(copy.position.partition, 0):
            return "not yet processed"
        same = [other for other in earlier if other.position.partition == copy.position.partition]
        window = self._question.window
        if same and window and copy.seen - same[-1].seen <= window:
            return f"duplicate of {same[-1].position}, dropped"
        kept = max(kept_since(self._question.kafka, self._kinds).values(), default=0)
        return "too old to tell" if copy.message.timestamp()[1] < kept else "missing"

    def _topics(self, copies: Sequence[RawCopy]) -> list[str]:
        """Where an event of these deliveries can be. One that was mended and replayed can be anywhere."""
        events = list(validate(_raw_event(copies[0].message), self._catalogue))
        names = {event.event_name for event in events if not isinstance(event, Failure)}
        if any(isinstance(event, Failure) for event in events):
            return list(self._kinds)
        # Also where a schema came only after the event was processed.
        typed = [self._names.typed(name) for name in names if name and name in self._catalogue.events]
        return [*sorted(typed), self._names.unknown, self._names.dead_letter]


def _delivery(copy: RawCopy) -> dict[str, Any]:
    headers = dict(cast("Headers", tuple(copy.message.headers() or ())))
    told = {name: _text(headers.get(header)) for name, header in _TOLD.items()}
    received_at = iso_time(copy.message.timestamp()[1])
    return {"raw": str(copy.position), "received_at": received_at, **told}


def _raw_event(message: Message) -> RawEvent:
    headers = cast("Headers", tuple(message.headers() or ()))
    return RawEvent(
        message.value() or b"", message.key(), headers, message.timestamp()[1], position_of(message)
    )


def _id_of(message: Message) -> bytes | None:
    headers = dict(cast("Headers", tuple(message.headers() or ())))
    return headers.get(CE_ID)


def _position(lineage: str) -> Position:
    topic, partition, offset = lineage.rsplit("/", 2)
    return Position(topic, int(partition), int(offset))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
