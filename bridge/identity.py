"""The event_id of a payload: the same for a redelivery, a re-signed retry and any order of keys."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson

URN_UUID: Final = "urn:uuid:"
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def event_id(payload: bytes, document: Any = None) -> str:
    """The id of one delivery, whatever its format: the text of a UUID; never raises.

    `document`: what the payload holds, where it has been read already.

    Caliper with one event: the uuid in its `id`. Canvas JSON: a UUIDv8 (RFC 9562) of the SHA-256 of
    its canonical metadata and body, for Canvas JSON carries no id of its own. What cannot be read as
    either: a UUIDv8 of the bytes.
    """
    try:
        return document_id(orjson.loads(payload) if document is None else document)
    except (ValueError, TypeError, RecursionError):
        return _uuid8(payload)


def document_id(document: Any) -> str:
    """The id of a parsed delivery. Raises TypeError where it is neither Canvas JSON nor Caliper."""
    if isinstance(document, dict):
        data = document.get("data")
        if isinstance(data, list) and data:
            return caliper_event_id(data[0]) if len(data) == 1 else _uuid8(_canonical(data))
        metadata = document.get("metadata", document.get("attributes"))
        body = document.get("body", data)
        if isinstance(metadata, dict):
            return _uuid8(_canonical([metadata, body]))
    raise TypeError("neither Canvas JSON nor Caliper")


def caliper_event_id(event: Any) -> str:
    """The uuid of a Caliper event's `id`; of an event without a usable one, a UUIDv8 of its content."""
    if isinstance(event, Mapping):
        text = event.get("id")
        if isinstance(text, str):
            try:
                return str(UUID(text.removeprefix(URN_UUID)))
            except ValueError:
                pass
    return _uuid8(_canonical(event))


def _canonical(value: Any) -> bytes:
    # orjson writes no deeper than 254 levels and raises TypeError beyond.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _uuid8(content: bytes) -> str:
    digits = sha256(content).hexdigest()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
