"""A dead letter: a delivery as it lay on the raw topic, and why it could not be converted."""

from dataclasses import dataclass, field
from typing import Final, cast

import orjson
from confluent_kafka import Message

from bridge.contract import Headers, Position, RawEvent
from processors.caliper_rules import ABSENT, parse_pointer, resolve
from processors.drift.masking import mask
from processors.fan_out import ERRORS
from processors.fingerprint import fingerprint
from processors.records import Json
from processors.replay.masked import masked
from processors.topics.topic_scan import position_of

_NO_REASON: Final = "(none)"  # of a record that is no dead letter of ours
_MOST_TEXT: Final = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of the dead letter topic; its `position` there.

    `raw`: the delivery with its own headers, its position that on the raw topic where the letter says it.
    Of a delivery with several events (Caliper) a letter is of one: `field` tells which. `event_name` is known
    of few failures. The delivery shows in no repr: it holds personal data.
    """

    position: Position
    raw: RawEvent = field(repr=False)
    stage: str
    reason: str
    field: str | None
    event_name: str | None
    fingerprint: str
    message: str

    @property
    def event_id(self) -> str | None:
        """The event_id of the delivery: the key of the raw record."""
        return self.raw.key.decode("utf-8", "backslashreplace") if self.raw.key else None

    def example(self) -> str | None:
        """What stands at `field`, masked; None where nothing does."""
        try:
            value = resolve(orjson.loads(self.raw.value), parse_pointer(self.field or ""))
        except ValueError:
            return None
        return None if value is ABSENT else mask(value) or None

    def payload(self, *, unmasked: bool) -> Json:
        """The delivery as JSON, or as text where it is none; masked: every value, and keys like values."""
        try:
            value: Json = orjson.loads(self.raw.value)
        except ValueError:
            text = self.raw.value[:_MOST_TEXT].decode("utf-8", "backslashreplace")
            return text if unmasked else masked(text)
        return value if unmasked else masked(value)


def read_letter(message: Message) -> DeadLetter:
    """The letter in a record of the dead letter topic. Where it has no fingerprint, it gets one here."""
    headers = cast("Headers", tuple(message.headers() or ()))
    told = {
        name.removeprefix(ERRORS): value.decode("utf-8", "backslashreplace")
        for name, value in headers
        if name.startswith(ERRORS) and value is not None
    }
    reason, place, event_name = told.get("reason", _NO_REASON), told.get("field"), told.get("event_name")
    return DeadLetter(
        position=position_of(message),
        raw=RawEvent(
            value=message.value() or b"",
            key=message.key(),
            headers=tuple(header for header in headers if not header[0].startswith(ERRORS)),
            received_at=message.timestamp()[1],
            position=_raw_position(told),
        ),
        stage=told.get("stage", _NO_REASON),
        reason=reason,
        field=place,
        event_name=event_name,
        fingerprint=told.get("fingerprint") or fingerprint(reason, event_name, place),
        message=told.get("exception.message", ""),
    )


def _raw_position(told: dict[str, str]) -> Position | None:
    try:
        return Position(told["topic"], int(told["partition"]), int(told["offset"]))
    except (KeyError, ValueError):
        return None
