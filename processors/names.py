"""Names of topics and subjects: prefix, event name, and one reversible codec for foreign names."""

import re
from dataclasses import dataclass

MAX_TOPIC_LENGTH = 249  # Kafka's own limit

_LEGAL = re.compile(r"[a-z0-9_]+")
_ESCAPE = re.compile(r"-([0-9a-f]{2})")
# Topics of ours. Kafka takes `.` and `_` in topic names for the same, so `rollup_x` would meet `rollup.x`.
_TAKEN = re.compile(r"raw|unknown|dead_letter|rollup_.*")


def encode(event_name: str) -> str:
    """An event name as a part of a topic name: `[a-z0-9_]` stays, every other UTF-8 byte becomes `-xx`.

    Injective, so two event names never share a topic: `quizzes-lti.grade_changed` becomes
    `quizzes-2dlti-2egrade_changed`. An event named as a topic of ours has its first letter escaped: `raw`
    becomes `-72aw`. Raises ValueError for an empty name.
    """
    if not event_name:
        raise ValueError("an event name may not be empty")
    part = "".join(
        run if _LEGAL.fullmatch(run) else _escape(run)
        for run in re.split(r"([^a-z0-9_]+)", event_name)
        if run
    )
    return _escape(part[0]) + part[1:] if _TAKEN.fullmatch(part) else part


def decode(part: str) -> str:
    """The event name that `encode` was given. Raises ValueError for a text that `encode` does not make."""
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), part).encode("latin-1")
    name = raw.decode()
    if encode(name) != part:
        raise ValueError(f"{part!r} is not an encoded event name")
    return name


def _escape(text: str) -> str:
    return "".join(f"-{byte:02x}" for byte in text.encode())


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
        """Canonical records of one event name. Raises ValueError where Kafka takes no name so long."""
        topic = self.prefix + encode(event_name)
        if len(topic) > MAX_TOPIC_LENGTH:
            raise ValueError(
                f"the topic of {event_name!r} would have {len(topic)} characters, Kafka takes "
                f"{MAX_TOPIC_LENGTH}: shorten KAFKA_TOPIC_PREFIX"
            )
        return topic

    def rollup(self, name: str) -> str:
        """Windows of one rollup, compacted."""
        return f"{self.prefix}rollup.{name}"


def subject(topic: str) -> str:
    """The registry subject of a topic's values (TopicNameStrategy, what every connector expects)."""
    return f"{topic}-value"
