"""What a person can do about a dead letter, reason by reason."""

from collections.abc import Mapping
from typing import Final

from processors.failures import Reason

_SENDER: Final = (
    "See who posts it (ce_source, canvas.signature.*), Canvas does not. Nothing is to be replayed."
)
_PATCH: Final = "Report it: Canvas does not send that. Until it is mended, "
_WITH: Final = "`dead-letter replay --patch FILE`"

REMEDIES: Final[Mapping[Reason, str]] = {
    Reason.INVALID_ENCODING: _SENDER,
    Reason.INVALID_JSON: _SENDER,
    Reason.UNRECOGNISED_FORMAT: f"{_SENDER} Often it is a health check or another webhook.",
    Reason.INVALID_METADATA: _SENDER,
    Reason.MISSING_EVENT_NAME: f"{_PATCH}set /metadata/event_name with {_WITH}.",
    Reason.INVALID_EVENT_NAME: f"{_PATCH}set /metadata/event_name with {_WITH}.",
    Reason.MISSING_EVENT_TIME: f"{_PATCH}rename the field that has the time, or set it, with {_WITH}.",
    Reason.INVALID_EVENT_TIME: "Report it: the form is to be added, then `dead-letter replay`. Or rename a "
    f"field that has the time, or set it, with {_WITH}.",
    Reason.INVALID_BODY: "Is the schema of the event right? Mend it or take it back, then "
    f"`dead-letter replay`. Or rename what is the body, or remove it, with {_WITH}.",
    Reason.CALIPER_EMPTY: _SENDER,
    Reason.CALIPER_VERSION: "Another tool posts here: Canvas sends Caliper 1.1. Nothing is to be replayed.",
    Reason.CALIPER_NOT_CANVAS: "Another sensor than Canvas posts here. Nothing is to be replayed.",
    Reason.CALIPER_INVALID_EVENT: _SENDER,
    Reason.RECORD_TOO_LARGE: f"Remove or shorten the largest field with {_WITH}, or report it.",
}


def remedy(reason: str) -> str:
    """The remedy; for a reason of another version of this program too."""
    try:
        return REMEDIES[Reason(reason)]
    except ValueError:
        return "This version does not know the reason: ask the version that wrote it."
