"""What every payload format can do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bridge.contract import RawEvent
from processors.catalogue import Catalogue, EventType
from processors.failures import Failure
from processors.records import Json, SourceFormat, ValidEvent

Found = dict[str, tuple[str, Json]]


@dataclass(slots=True)
class Reading:
    """The parts of one event, not yet typed: field name -> (JSON pointer into the payload, value)."""

    metadata: Found
    body: Found
    unclaimed: list[tuple[str, Json]] = field(default_factory=list)


class Format(Protocol):
    """A payload format of Canvas Live Events."""

    source_format: SourceFormat

    def recognises(self, payload: Mapping[str, Json]) -> bool:
        """Whether a parsed delivery is of this format, judged by its top-level keys."""

    def events(
        self, payload: Mapping[str, Json], raw: RawEvent, catalogue: Catalogue
    ) -> Iterator[ValidEvent | Failure]:
        """The events of a delivery, or why there are none. One bad event does not spoil the others."""

    def read(self, event: ValidEvent, event_type: EventType) -> Reading:
        """Finds the canonical fields in one event."""
