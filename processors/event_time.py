"""The name and the time of an event: what every format must give before anything else is looked at."""

from bridge.contract import EVENT_TIME, RawEvent
from processors.failures import Failure, Reason, Stage
from processors.records import Json
from processors.values import Misfit, Notes, read_time

MAX_NAME_LENGTH = 128


def check_event_name(name: Json, pointer: str) -> str:
    """The event name. Raises Failure where it is absent, no text, too long, or not printable."""
    if name is None or name == "":
        raise Failure(
            Stage.VALIDATE,
            Reason.MISSING_EVENT_NAME,
            f"{pointer} is absent, and so is the SQS attribute event_name: nothing says what this is",
            pointer,
        )
    if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH or not name.isprintable() or name.isspace():
        raise Failure(
            Stage.VALIDATE,
            Reason.INVALID_EVENT_NAME,
            f"{pointer} must be a printable text of at most {MAX_NAME_LENGTH} characters",
            pointer,
        )
    return name


def find_event_time(time: Json, pointer: str, raw: RawEvent, known: str | None) -> int | None:
    """The event time in milliseconds since the epoch: of the payload, or else of the SQS attribute.

    `known` is the event name where a schema knows it: then Failure is raised where neither is a time with
    a zone. An unknown event is kept whole, so for it the answer is None.
    """
    for candidate in (time, raw.header(EVENT_TIME)):
        try:
            return read_time(candidate, pointer, Notes())
        except Misfit:
            continue
    if known is None:
        return None
    raise Failure(
        Stage.VALIDATE,
        Reason.MISSING_EVENT_TIME if time is None else Reason.INVALID_EVENT_TIME,
        f"{pointer} must be an ISO 8601 time with a zone, like 2026-03-01T09:30:00.000Z",
        pointer,
        known,
    )
