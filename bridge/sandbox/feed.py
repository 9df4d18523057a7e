"""What is delivered, and in which order: a term at the small university, and what goes wrong on the way."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Any, Final

import orjson

from bridge.contract import iso_time
from bridge.sandbox import trouble
from bridge.sandbox.delivery import Delivery, Kind
from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events import LIVE_EVENTS, caliper, canvas_json
from bridge.sandbox.live_events.base import Happening
from bridge.sandbox.university import TERM_BEGINS, University

LATEST: Final = 200  # deliveries by which a duplicate or a late event lags behind, at most

# What is broken or made unknown: events without which the story of the others still makes sense.
SPARE: Final = ("wiki_page_updated", "discussion_entry_created", "quiz_submitted", "logged_in")


class Format(StrEnum):
    """The payload format of a subscription; Canvas has events that Caliper lacks."""

    CANVAS = "canvas"
    CALIPER = "caliper"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What to deliver. Shares are of `count`; `start` is milliseconds since the epoch.

    `count` does not contain the duplicates. `events` are the names of those that happen; none: all.
    `text_doors` are doors that take Unicode text only.
    """

    count: int = 2000
    seed: int = 1
    start: int = TERM_BEGINS
    format: Format = Format.BOTH
    events: frozenset[str] = frozenset()
    doors: int = 1
    text_doors: frozenset[int] = frozenset()
    duplicates: float = 0.0
    disorder: float = 0.0
    malformed: float = 0.0
    unknown: float = 0.0

    def names(self) -> list[str]:
        """The events that can happen: those asked for that the format has."""
        has_form = LIVE_EVENTS if self.format is not Format.CALIPER else caliper.FORMS
        return [name for name in LIVE_EVENTS if name in has_form and name in (self.events or LIVE_EVENTS)]


class Feed:
    """Iterates over the deliveries of a plan: the same plan, the same deliveries, byte for byte."""

    def __init__(self, plan: FeedPlan) -> None:
        self._plan = plan
        self._dice = Dice(f"{plan.seed}/events")
        self._trouble = Dice(f"{plan.seed}/trouble")
        self._doors = Dice(f"{plan.seed}/doors")
        self._order = Dice(f"{plan.seed}/order")
        self.university = University(self._dice, plan.start)
        self._names = plan.names()
        self._weights = [LIVE_EVENTS[name].weight for name in self._names]
        self._first = iter(self._names)
        self._sequels: deque[Happening] = deque()
        self._turns = count()

    def __iter__(self) -> Iterator[Delivery]:
        """In the order of delivery; late events and duplicates come up to LATEST places after their time."""
        late: list[tuple[int, int, Delivery]] = []
        ticket = count()
        for place in range(self._plan.count):
            while late and late[0][0] <= place:
                yield heapq.heappop(late)[2]
            delivery = self._next()
            if delivery.kind is not Kind.MALFORMED and self._order.chance(self._plan.duplicates):
                heapq.heappush(late, (self._later(place), next(ticket), self._again(delivery)))
            if self._order.chance(self._plan.disorder):
                heapq.heappush(late, (self._later(place), next(ticket), delivery))
            else:
                yield delivery
        while late:
            yield heapq.heappop(late)[2]

    def _next(self) -> Delivery:
        lot, door = self._trouble.random(), int(self._doors.random() * self._plan.doors)
        if lot < self._plan.malformed:
            return replace(self._malformed(door), door=door)
        if lot < self._plan.malformed + self._plan.unknown:
            return replace(trouble.unknown(self._write(self._spare()), self._trouble), door=door)
        return replace(self._write(self._happening()), door=door)

    def _malformed(self, door: int) -> Delivery:
        text_only = door in self._plan.text_doors
        return trouble.malformed(self._write(self._spare()), next(self._turns), text_only=text_only)

    def _happening(self) -> Happening:
        """One of each first, then as often as in real life."""
        if self._sequels:
            return self._sequels.popleft()
        name = next(self._first, None) or self._dice.choices(self._names, self._weights)[0]
        self.university.tick()
        happening = LIVE_EVENTS[name].happen(self.university)
        sequel = LIVE_EVENTS[name].sequel
        if sequel:
            self.university.now += self._dice.randint(1, 40)
            self._sequels.append(sequel(self.university, happening))
        return happening

    def _spare(self) -> Happening:
        names = [name for name in SPARE if name in self._names] or self._names
        self.university.tick()
        return LIVE_EVENTS[self._dice.choice(names)].happen(self.university)

    def _write(self, happening: Happening) -> Delivery:
        return Delivery(
            orjson.dumps(self._document(happening)), happening.event_name, iso_time(happening.time)
        )

    def _document(self, happening: Happening) -> dict[str, Any]:
        wanted = self._plan.format
        if happening.event_name in caliper.FORMS and (
            wanted is Format.CALIPER or (wanted is Format.BOTH and self._dice.chance(0.5))
        ):
            return caliper.render(happening, self._dice)
        return canvas_json.render(happening, self._dice)

    def _again(self, delivery: Delivery) -> Delivery:
        same = self._order.chance(0.5)
        return delivery.again(
            delivery.payload if same else trouble.reorder_keys(delivery.payload, self._order)
        )

    def _later(self, place: int) -> int:
        return place + self._order.randint(1, LATEST)
