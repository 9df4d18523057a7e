"""The event_id of a payload: the same for a redelivery, a re-signed retry and any order of keys."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

URN_UUID = "urn:uuid:"


def event_id(payload: bytes) -> UUID:
    """The id of one delivery, whatever its format; never raises.

    Caliper with one event: the uuid in its `id`. Canvas JSON: a UUIDv8 (RFC 9562) of the SHA-256 of
    its canonical metadata and body, for Canvas JSON carries no id of its own. What cannot be read as
    either: a UUIDv8 of the bytes.
    """
    try:
        return document_id(orjson.loads(payload))
    except (ValueError, TypeError, RecursionError):
        return _uuid8(payload)


def document_id(document: Any) -> UUID:
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


def caliper_event_id(event: Any) -> UUID:
    """The uuid of a Caliper event's `id`; of an event without a usable one, a UUIDv8 of its content."""
    if isinstance(event, Mapping):
        text = event.get("id")
        if isinstance(text, str):
            try:
                return UUID(text.removeprefix(URN_UUID))
            except ValueError:
                pass
    return _uuid8(_canonical(event))


def _canonical(value: Any) -> bytes:
    # orjson writes no deeper than 254 levels and raises TypeError beyond.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _uuid8(content: bytes) -> UUID:
    number = int.from_bytes(sha256(content).digest()[:16], "big")
    number = number & ~(0xF000 << 64) | 0x8000 << 64
    return UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48)
