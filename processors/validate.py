"""Stage 1: the bytes of a delivery become events with a name and a time, or Failures that say why not."""

from collections.abc import Iterator

import orjson

from bridge.contract import RawEvent
from processors.catalogue import Catalogue
from processors.failures import Failure, Reason, Stage
from processors.formats import FORMATS
from processors.records import Json, ValidEvent

MAX_DEPTH = 200  # orjson reads deeper than it writes, and what cannot be written cannot be kept in `extra`


def validate(raw: RawEvent, catalogue: Catalogue) -> Iterator[ValidEvent | Failure]:
    """The events of one delivery. At least one item, always: nothing vanishes here."""
    try:
        payload = _parse(raw.value)
        if isinstance(payload, dict):
            for member in FORMATS.values():
                if member.recognises(payload):
                    yield from member.events(payload, raw, catalogue)
                    return
        raise Failure(
            Stage.VALIDATE,
            Reason.UNRECOGNISED_FORMAT,
            "neither Canvas JSON (metadata and body) nor Caliper (sensor and data)",
        )
    except Failure as failure:
        yield failure


def _parse(value: bytes) -> Json:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            Stage.VALIDATE, Reason.INVALID_ENCODING, f"byte {error.start} is not UTF-8, as JSON must be"
        ) from None
    try:
        payload = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Failure(
            Stage.VALIDATE,
            Reason.INVALID_JSON,
            f"{error.msg} at line {error.lineno} column {error.colno}",
        ) from None
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        raise Failure(Stage.VALIDATE, Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH} levels")
    return payload


def _depth(payload: Json) -> int:
    depth, level = 0, [payload]
    while level:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return depth
