"""Which failures are alike: one short text for reason, event and place."""

import hashlib
from functools import lru_cache

import orjson

from processors.drift.pointers import generalise


@lru_cache(maxsize=4096)
def fingerprint(reason: str, event_name: str | None, field: str | None) -> str:
    """Eight hexadecimal digits. Of two entries of one list the place is the same: its index is `*`."""
    place = generalise(field) if field and field.startswith("/") else field
    text = orjson.dumps([reason, event_name or None, place or None])
    return hashlib.sha256(text).hexdigest()[:8]
