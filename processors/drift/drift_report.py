"""What typed and unknown records tell of fields and events that no schema says. Pure, in bounded memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import orjson

from processors.catalogue import Catalogue
from processors.drift.known_fields import KnownField, KnownFields
from processors.drift.masking import mask
from processors.drift.pointers import find_spot, generalise
from processors.drift.shapes import Shape
from processors.records import Json

MOST_ROWS: Final = 1000
NAMELESS: Final = "(no name)"


class Kind(StrEnum):
    """Why a value stands in `extra`."""

    UNKNOWN_FIELD = "unknown field"
    MISFIT = "does not fit"
    HAS_A_FIELD = "has a field"  # added since the record was written, or filled from another place


@dataclass(slots=True)
class Sighting:
    """How often and when (time of receipt, milliseconds since the epoch), and in which payload formats."""

    seen: int = 0
    first: int | None = None
    last: int | None = None
    formats: set[str] = field(default_factory=set)

    def note(self, record: Mapping[str, Any]) -> None:
        """Counts one record."""
        received = record["received_at"]
        self.seen += 1
        self.first = received if self.first is None else min(self.first, received)
        self.last = received if self.last is None else max(self.last, received)
        self.formats.add(record["source_format"])


@dataclass(slots=True)
class FieldDrift(Sighting):
    """One place of an event's payload whose values no field took. `example` is masked."""

    shape: Shape = field(default_factory=Shape)
    example: str = ""


class DriftReport:
    """Takes records one by one. Of more than `most_rows` places, and names of events, it only counts `other`.

    `records`: how many were read, by event name; of events without a schema in `unknown`.
    """

    def __init__(self, catalogue: Catalogue, most_rows: int = MOST_ROWS) -> None:
        self.catalogue = catalogue
        self._most_rows = most_rows
        self._find = lru_cache(4 * MOST_ROWS)(self._find_field)
        self._known: dict[str, KnownFields] = {}
        self.records: Counter[str] = Counter()
        self.fields: dict[tuple[str, str, Kind], FieldDrift] = {}
        self.unknown: dict[str, Sighting] = {}
        self.other_fields = 0
        self.other_unknown = 0

    def add(self, event_name: str, record: Mapping[str, Any]) -> None:
        """A record of a typed topic."""
        self.records[event_name] += 1
        noted: set[int] = set()
        for pointer, text in record["extra"].items():
            value = orjson.loads(text)
            row = self._row(event_name, generalise(pointer), record["source_format"], value)
            if row is None:
                self.other_fields += 1
                continue
            row.shape.add(value)
            row.example = row.example or mask(value)
            if id(row) not in noted:  # items of one list are one place
                noted.add(id(row))
                row.note(record)

    def add_unknown(self, record: Mapping[str, Any]) -> None:
        """A record of the unknown topic."""
        name = record["event_name"] or NAMELESS
        if name not in self.unknown and len(self.unknown) >= self._most_rows:
            self.other_unknown += 1
        else:
            self.unknown.setdefault(name, Sighting()).note(record)

    def _row(self, event_name: str, pointer: str, source_format: str, value: Json) -> FieldDrift | None:
        known = self._find(event_name, pointer, source_format)
        kind = Kind.UNKNOWN_FIELD
        if known:
            kind = Kind.HAS_A_FIELD if known.takes(value) else Kind.MISFIT
        key = (event_name, pointer, kind)
        if key not in self.fields and len(self.fields) < self._most_rows:
            self.fields[key] = FieldDrift()
        return self.fields.get(key)

    def _find_field(self, event_name: str, pointer: str, source_format: str) -> KnownField | None:
        if event_name not in self._known:
            self._known[event_name] = KnownFields(self.catalogue.events[event_name])
        return self._known[event_name].find(find_spot(pointer, source_format))
