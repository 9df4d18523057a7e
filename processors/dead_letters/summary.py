"""Dead letters counted by fingerprint, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bridge.contract import iso_time
from processors.dead_letters.letters import DeadLetter

MOST_GROUPS: Final = 1000


@dataclass(slots=True)
class Group:
    """Failures alike. `first`, `last`: times of receipt, milliseconds. `example` is the first letter read."""

    example: DeadLetter
    first: int
    last: int
    letters: int = 0

    def note(self, received_at: int) -> None:
        """Counts one letter."""
        self.letters += 1
        self.first, self.last = min(self.first, received_at), max(self.last, received_at)


class Summary:
    """Takes letters one by one. Of letters beyond `most_groups` groups it only counts `other`."""

    def __init__(self, most_groups: int = MOST_GROUPS) -> None:
        self._most = most_groups
        self._groups: dict[str, Group] = {}
        self.letters = self.other = 0

    def add(self, letter: DeadLetter) -> None:
        """Counts one letter."""
        self.letters += 1
        received_at = letter.raw.received_at
        group = self._groups.get(letter.fingerprint)
        if group is None:
            if len(self._groups) >= self._most:
                self.other += 1
                return
            group = self._groups[letter.fingerprint] = Group(letter, received_at, received_at)
        group.note(received_at)

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row per group as plain JSON, the largest first."""
        for name, group in sorted(self._groups.items(), key=lambda item: (-item[1].letters, item[0])):
            letter = group.example
            yield {
                "fingerprint": name,
                "letters": group.letters,
                "share": round(group.letters / self.letters, 4),
                "first_seen": iso_time(group.first),
                "last_seen": iso_time(group.last),
                "reason": letter.reason,
                "event": letter.event_name,
                "field": letter.field,
                "example": letter.example(),
                "letter": f"{letter.position.partition}/{letter.position.offset}",
                "message": letter.message,
            }
