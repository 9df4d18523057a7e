"""What an audit finds: how raw records divide by what became of them, and which do not fit."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.contract import Position


class Kind(StrEnum):
    """What a record of ours is that came of a raw record."""

    TYPED = "typed"
    UNKNOWN = "unknown"
    DEAD_LETTER = "dead letter"


class Fate(StrEnum):
    """What became of a raw record. One with several events (Caliper) has the first of these that is true."""

    TYPED = "typed"
    UNKNOWN = "unknown"
    REPLAYED = "replayed"  # typed later, from its dead letter or from the raw topic
    DEAD_LETTERED = "dead-lettered"
    DUPLICATE = "duplicates"
    PENDING = "not yet processed"
    TOO_OLD = "too old to tell"  # what came of it may have expired
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Missing:
    """A raw record that was processed and of which nothing came."""

    event_id: str
    position: Position
    received_at: int


@dataclass(frozen=True, slots=True)
class Doubled:
    """An event that stands more than once where it may stand once."""

    event_id: str
    kind: Kind
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Invented:
    """A record whose raw record is not there and did not expire. `lineage` as its header says, or None."""

    event_id: str
    kind: Kind
    position: Position
    lineage: str | None


@dataclass(slots=True)
class Findings:
    """An audit's result. Lists are cut at the limit, numbers are whole.

    `hours`: hour of receipt (milliseconds since the epoch) -> raw records by fate. `records`: ours, by kind.
    `beyond_window`: events typed again because their repeat came after the duplicate window.
    `raw_expired`: our records whose raw record the raw topic keeps no longer.
    """

    hours: dict[int, Counter[Fate]] = field(default_factory=dict)
    records: Counter[Kind] = field(default_factory=Counter)
    missing: list[Missing] = field(default_factory=list)
    doubled: list[Doubled] = field(default_factory=list)
    invented: list[Invented] = field(default_factory=list)
    beyond_window: list[Doubled] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    raw_expired: int = 0

    @property
    def totals(self) -> Counter[Fate]:
        """Raw records by fate."""
        return sum(self.hours.values(), Counter())

    @property
    def adds_up(self) -> bool:
        """Whether raw = typed + unknown + replayed + dead-lettered + duplicates, each once, and no more."""
        return not any(self.numbers[name] for name in ("missing", "doubled", "invented"))
