"""JSON pointers of `extra` made alike, to be counted: what differs from record to record becomes `*`."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from processors.caliper_rules import ENVELOPE
from processors.records import SourceFormat

ANY: Final = "*"
CUT: Final = "…"
_MAX_SEGMENTS: Final = 12
_MAX_LENGTH: Final = 64
# Keys that are values: numbers, uuids, addresses.
_OPEN_KEY: Final = re.compile(r"\d+|[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|.+@.*", re.ASCII | re.DOTALL)
_SECTIONS: Final = {"metadata": "metadata", "attributes": "metadata", "body": "body", "data": "body"}


def open_key(key: str) -> str:
    """The key, or `*` where it is a value rather than a name: a person's address must not be counted by."""
    return ANY if len(key) > _MAX_LENGTH or not key.isprintable() or _OPEN_KEY.fullmatch(key) else key


@lru_cache(maxsize=4096)
def generalise(pointer: str) -> str:
    """The pointer with `*` for list indexes and for keys that are values: /data/0/x becomes /data/*/x."""
    segments = pointer.split("/")
    kept = [open_key(segment) for segment in segments[1 : _MAX_SEGMENTS + 1]]
    return "/".join(["", *kept, *([CUT] if len(segments) > _MAX_SEGMENTS + 1 else [])])


class Spot(NamedTuple):
    """Where in the canonical record, or else in the Caliper event, a value of `extra` has its place.

    `path`: names of fields from the record on, `*` for the items of a list; empty for Caliper, and for what
    stands beside metadata and body. `caliper`: as in the attribute `caliper` of a field.
    """

    path: tuple[str, ...] = ()
    caliper: str | None = None


@lru_cache(maxsize=4096)
def find_spot(pointer: str, source_format: str) -> Spot:
    """The place that a generalised pointer means in a delivery of that format."""
    first, *rest = (_unescape(segment) for segment in pointer.split("/")[1:])
    if source_format == SourceFormat.CALIPER:
        inside = pointer.removeprefix("/data/*/")
        return Spot(caliper=ENVELOPE + pointer if inside == pointer else f"/{inside}")
    return Spot((_SECTIONS[first], *rest)) if first in _SECTIONS and rest else Spot()


def _unescape(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")
