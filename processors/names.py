"""Names of topics and subjects: prefix, event name, and one reversible codec for foreign names."""

import re
from dataclasses import dataclass

_LEGAL = re.compile(r"[a-z0-9_]+")
_ESCAPE = re.compile(r"-([0-9a-f]{2})")


def encode(event_name: str) -> str:
    """An event name as a part of a topic name: `[a-z0-9_]` stays, every other UTF-8 byte becomes `-xx`.

    Injective, so two event names never share a topic: `quizzes-lti.grade_changed` becomes
    `quizzes-2dlti-2egrade_changed`.
    """
    return "".join(
        part if _LEGAL.fullmatch(part) else "".join(f"-{byte:02x}" for byte in part.encode())
        for part in re.split(r"([^a-z0-9_]+)", event_name)
        if part
    )


def decode(part: str) -> str:
    """The event name that `encode` was given. Raises ValueError for a text that `encode` does not make."""
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), part).encode("latin-1")
    name = raw.decode()
    if encode(name) != part:
        raise ValueError(f"{part!r} is not an encoded event name")
    return name


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Every topic of the product under one prefix."""

    prefix: str = "canvas."

    @property
    def raw(self) -> str:
        """Deliveries as Canvas sent them."""
        return f"{self.prefix}raw"

    @property
    def unknown(self) -> str:
        """Events that no schema knows, whole."""
        return f"{self.prefix}unknown"

    @property
    def dead_letter(self) -> str:
        """Deliveries that cannot be converted, untouched."""
        return f"{self.prefix}dead_letter"

    def typed(self, event_name: str) -> str:
        """Canonical records of one event name."""
        return self.prefix + encode(event_name)

    def rollup(self, name: str) -> str:
        """Windows of one rollup, compacted."""
        return f"{self.prefix}rollup.{name}"


def subject(topic: str) -> str:
    """The registry subject of a topic's values (TopicNameStrategy, what every connector expects)."""
    return f"{topic}-value"
