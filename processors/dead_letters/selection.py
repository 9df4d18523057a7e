"""Which dead letters are meant: the options that all commands share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from bridge.contract import Position
from processors.dead_letters.letters import DeadLetter
from processors.topics.point_in_time import PointInTime

Command = TypeVar("Command", bound=Callable[..., Any])
_PLACE: Final = re.compile(r"(?:([a-zA-Z0-9._-]+)/)?(\d{1,9})/(\d{1,18})", re.ASCII)


def find_place(text: str) -> Position | None:
    """`PARTITION/OFFSET` or `TOPIC/PARTITION/OFFSET`; the topic is empty where none is given."""
    found = _PLACE.fullmatch(text)
    return Position(found[1] or "", int(found[2]), int(found[3])) if found else None


class Place(click.ParamType):
    """A record's place in Kafka."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Position:
        """The place. Ends the command where the text is none."""
        if isinstance(value, Position):
            return value
        place = find_place(str(value))
        if place is None:
            self.fail(f"{value!r} is no place: write PARTITION/OFFSET or TOPIC/PARTITION/OFFSET", param, ctx)
        return place


@dataclass(frozen=True, slots=True)
class Selection:
    """What a letter must have: one of the named values of each kind; nothing named: any.

    `since`, `until`: time of receipt, milliseconds since the epoch, the second exclusive. `places`: of the
    letter, or of the raw record where the topic is that of the raw record.
    """

    reasons: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    places: tuple[Position, ...] = ()
    event_ids: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter is meant. The time is looked at where the topic is read."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.events or letter.event_name in self.events)
            and (not self.fingerprints or letter.fingerprint in self.fingerprints)
            and (not self.event_ids or letter.event_id in self.event_ids)
            and (not self.places or any(_is_at(letter, place) for place in self.places))
        )


def selection_options(command: Command) -> Command:
    """Adds the options of a Selection; the command gets it as `selection`."""
    when: dict[str, Any] = {"type": PointInTime(), "metavar": "TIME"}
    options = (
        click.option("--reason", "reasons", metavar="REASON", multiple=True, help="Only this reason."),
        click.option("--event", "events", metavar="NAME", multiple=True, help="Only this event."),
        click.option(
            "--fingerprint",
            "fingerprints",
            metavar="HEX",
            multiple=True,
            help="Only this group of alike failures.",
        ),
        click.option("--event-id", "event_ids", metavar="ID", multiple=True, help="Only this delivery."),
        click.option(
            "--offset",
            "places",
            type=Place(),
            metavar="PLACE",
            multiple=True,
            help="Only the letter at PARTITION/OFFSET, or TOPIC/PARTITION/OFFSET, of the raw topic too.",
        ),
        click.option(
            "--from",
            "--since",
            "since",
            help="Only what was received since: ISO 8601 with a zone, or 30m, 12h, 7d [default: everything].",
            **when,
        ),
        click.option("--to", "until", help="Only what was received before.", **when),
    )
    for decorate in reversed(options):
        command = decorate(command)
    return command


def select(options: dict[str, Any]) -> Selection:
    """The selection that the options make; takes them out."""
    return Selection(
        **{name: options.pop(name) for name in Selection.__dataclass_fields__ if name in options}
    )


def _is_at(letter: DeadLetter, place: Position) -> bool:
    topic, partition, offset = letter.position
    if letter.raw.position is not None and place == letter.raw.position:
        return True
    return (place.partition, place.offset) == (partition, offset) and place.topic in ("", topic)
