"""What became of the deliveries, counted as they are answered."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bridge.identity import event_id
from bridge.redact import redact
from bridge.sandbox.delivery import Delivery, Kind
from bridge.sandbox.senders import Answer


@dataclass
class Receipts:
    """Counts of deliveries and of tries, by door where it matters.

    A duplicate is an accepted delivery whose event was accepted before: `events + unknown + malformed +
    duplicates == accepted`. A try that timed out may have been stored all the same; it counts as refused.
    """

    sent: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # tries, by door and status
    by_event_name: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)  # by flaw
    unknown: int = 0
    duplicates: int = 0
    repeats: int = 0  # sent on purpose
    retries: int = 0
    event_ids: set[str] = field(default_factory=set)

    @property
    def finished(self) -> int:
        """Deliveries with a last answer."""
        return self.accepted.total() + self.given_up.total()

    def send(self, door: str, delivery: Delivery) -> None:
        """A delivery sets out."""
        self.sent[door] += 1
        self.repeats += delivery.repeats

    def accept(self, door: str, delivery: Delivery, answer: Answer) -> None:
        """A delivery was accepted: counts it as what it is, once, and then as a duplicate."""
        self.accepted[door] += 1
        identity = event_id(redact(answer.payload))
        if identity in self.event_ids:
            self.duplicates += 1
            return
        self.event_ids.add(identity)
        if delivery.kind is Kind.MALFORMED:
            self.malformed[delivery.flaw or ""] += 1
        elif delivery.kind is Kind.UNKNOWN:
            self.unknown += 1
        else:
            self.by_event_name[delivery.event_name or ""] += 1

    def refuse(self, door: str, answer: Answer, *, last: bool) -> None:
        """A try was refused; after the last one the delivery is given up, as Canvas does."""
        self.refused[door, answer.status] += 1
        if last:
            self.given_up[door] += 1
        else:
            self.retries += 1

    def document(self) -> dict[str, Any]:
        """The report: counts, and the sorted ids of the accepted events."""
        return {
            "sent": self.sent.total(),
            "accepted": self.accepted.total(),
            "accepted_by_door": dict(self.accepted),
            "duplicates": self.duplicates,
            "malformed": self.malformed.total(),
            "malformed_by_flaw": dict(sorted(self.malformed.items())),
            "unknown": self.unknown,
            "by_event_name": dict(sorted(self.by_event_name.items())),
            "refused_tries": {f"{door} {status}": tries for (door, status), tries in self.refused.items()},
            "retries": self.retries,
            "given_up": self.given_up.total(),
            "event_ids": sorted(self.event_ids),
        }
