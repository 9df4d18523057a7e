"""Writes events of deliveries that are in Kafka already into their typed topics, each once.

The typed topics are their own replay log: no store says what was replayed. First every event that comes out
now is noted (`survey`). Then the topics they go to are read from the earliest time of receipt on, typed
records have it as their timestamp, and what is there is skipped by its event_id (`look_up`). Then the
deliveries are read again, and what is missing is written (`decide`, a transaction a batch).

That an event is not written twice rests on this: before it looks, a replay shuts out the one before it, by
the transactional id they share; it looks only once every record in those topics is committed or aborted; and
what is older than a topic keeps is not written at all, for nobody could tell whether it was there before.

Why not through the raw topic: within the duplicate window the worker would drop the event as a repeat, and
outside of it a delivery with several events would be typed again whole.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from confluent_kafka import Message

from bridge.contract import Headers
from processors.records import Outcome
from processors.replay.reading import Span, TopicReader
from processors.replay.redelivery import Decision, Redelivery, Verdict, stamped
from processors.replay.retention import kept_since
from processors.replay.stable import wait_until_decided
from processors.replay.wanted import Place, State, Wanted, identity
from processors.replay.writer import Writer

_VERDICTS = {
    State.MISSING: Verdict.REPLAYED,
    State.THERE: Verdict.THERE,
    State.CLAIMED: Verdict.REPEATED,
    State.LATE: Verdict.LATE,
}


@dataclass(frozen=True, slots=True)
class Source:
    """The deliveries: a topic, a span of it, and what a record of it is; None: it is not meant.

    `keeps_failures`: dead letters are written too. `look_back`: milliseconds before the earliest time of
    receipt at which an event may have been typed from a repeat.
    """

    topic: str
    span: Span
    redeliver: Callable[[Message], Redelivery | None]
    keeps_failures: bool = False
    look_back: int = 0


class Replay:
    """One run. `writer` None: a dry run, which writes nothing and shuts nobody out. To be closed."""

    def __init__(self, reader: TopicReader, source: Source, writer: Writer | None) -> None:
        self._reader = reader
        self._source = source
        self._writer = writer
        self._wanted = Wanted()
        self._kept_since: dict[str, int] = {}
        self._topics: set[str] = set()
        self._earliest: int | None = None

    def close(self) -> None:
        """Lets go of everything."""
        self._wanted.close()
        if self._writer:
            self._writer.close()

    def run(self) -> Iterator[Decision]:
        """What becomes of every event, told once it is written. Raises click.ClickException."""
        self.survey()
        if self._topics:
            if self._writer:
                self._writer.open()
            self.look_up()
        yield from self.decide()

    def survey(self) -> None:
        """Notes what comes out, and where it goes."""
        for batch in self._redeliveries("Converting"):
            places: list[Place] = []
            for redelivery in batch:
                found = [place for outcome in redelivery.outcomes if (place := self._place(outcome))]
                if found:
                    places += found
                    received_at = redelivery.raw.received_at
                    self._earliest = min(received_at, self._earliest or received_at)
            self._wanted.want(places)
            self._topics.update(topic for topic, _ in places)

    def look_up(self) -> None:
        """Notes which of it is there already."""
        topics = sorted(self._topics)
        self._kept_since = kept_since(self._reader.kafka, topics)
        wait_until_decided(self._reader.kafka, topics)
        since = max(0, (self._earliest or 0) - self._source.look_back)
        for messages in self._reader.batches(topics, Span(since), "Looking up"):
            self._wanted.note(_places(messages))

    def decide(self) -> Iterator[Decision]:
        """Writes what is missing."""
        doing = "Writing" if self._writer else "Comparing"
        for batch in self._redeliveries(doing):
            decisions = [decision for redelivery in batch for decision in self._decisions(redelivery)]
            records = [decision.record for decision in decisions if decision.record]
            if self._writer and records:
                self._writer.write(records)
            yield from decisions

    def _decisions(self, redelivery: Redelivery) -> Iterator[Decision]:
        if redelivery.problem:
            yield Decision(redelivery, Verdict.UNPATCHABLE)
        if redelivery.pending:
            yield Decision(redelivery, Verdict.PENDING)
        for outcome in redelivery.outcomes:
            place, event, failure = self._place(outcome), outcome.event, outcome.failure
            verdict = self._verdict(place, redelivery.raw.received_at)
            record = None
            if verdict is Verdict.REPLAYED:
                record = stamped(redelivery, outcome.outgoing, int(time.time() * 1000))
            yield Decision(redelivery, verdict, record, event, failure)

    def _verdict(self, place: Place | None, received_at: int) -> Verdict:
        if place is None:
            return Verdict.FAILING
        if received_at < self._kept_since.get(place[0], 0):
            return Verdict.TOO_OLD
        return _VERDICTS[self._wanted.claim(place)]

    def _place(self, outcome: Outcome) -> Place | None:
        """Where the outcome goes and as what; None: it is a failure that is not written."""
        if outcome.failure is not None and not self._source.keeps_failures:
            return None
        record = outcome.outgoing
        return record.topic, identity(record.headers, record.key) or b""

    def _redeliveries(self, doing: str) -> Iterator[Sequence[Redelivery]]:
        source = self._source
        for messages in self._reader.batches([source.topic], source.span, doing):
            yield [item for message in messages if (item := source.redeliver(message))]


def _places(messages: Iterable[Message]) -> Iterator[Place]:
    for message in messages:
        found = identity(cast("Headers", tuple(message.headers() or ())), message.key())
        if found:
            yield str(message.topic()), found
