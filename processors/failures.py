"""Why an event goes to the dead letter: one closed set of reasons.

A reason is a header value, a metric label, the suffix of a sample file and a row of the README.

    permanent: the same bytes would fail again        -> a Failure, and a dead letter
      validate      the delivery    invalid_encoding, invalid_json, unrecognised_format
                    Canvas JSON     invalid_metadata, invalid_body
                    Caliper         caliper_empty, caliper_version, caliper_not_canvas, caliper_invalid_event
                    its name        missing_event_name, invalid_event_name
                    its time        missing_event_time, invalid_event_time
      fan_out       its record      record_too_large
    transient: Kafka or the registry is away or slow   -> no Failure: the worker waits and tries again

canonicalise fails for no event: what does not fit a field is kept in `extra`. Failures with the same reason,
event and place have the same fingerprint (fingerprint.py).
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stage that gave up."""

    VALIDATE = "validate"
    CANONICALISE = "canonicalise"
    FAN_OUT = "fan_out"


class Reason(StrEnum):
    """What was wrong. The text after each says what a person can do."""

    INVALID_ENCODING = "invalid_encoding"
    INVALID_JSON = "invalid_json"
    UNRECOGNISED_FORMAT = "unrecognised_format"
    INVALID_METADATA = "invalid_metadata"
    MISSING_EVENT_NAME = "missing_event_name"
    INVALID_EVENT_NAME = "invalid_event_name"
    MISSING_EVENT_TIME = "missing_event_time"
    INVALID_EVENT_TIME = "invalid_event_time"
    INVALID_BODY = "invalid_body"
    CALIPER_EMPTY = "caliper_empty"
    CALIPER_VERSION = "caliper_version"
    CALIPER_NOT_CANVAS = "caliper_not_canvas"
    CALIPER_INVALID_EVENT = "caliper_invalid_event"
    RECORD_TOO_LARGE = "record_too_large"


@dataclass(slots=True, eq=False)
class Failure(Exception):
    """One event that cannot be converted. `field` is a JSON pointer into the payload, or None.

    `message` names cause and remedy, never a value of the payload.
    """

    stage: Stage
    reason: Reason
    message: str
    field: str | None = None
    event_name: str | None = None

    def __str__(self) -> str:
        return f"{self.stage}/{self.reason}: {self.message}"
