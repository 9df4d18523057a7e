"""What a proposal of schemas is made from: the drift of typed records, and the bodies of unknown events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from processors.catalogue import Catalogue
from processors.drift.drift_report import NAMELESS, DriftReport, Sighting
from processors.drift.shapes import Shape
from processors.formats.canvas import BODY
from processors.records import Json, SourceFormat

MOST_EVENTS: Final = 200


@dataclass(slots=True)
class UnknownBody(Sighting):
    """The bodies of one unknown event, where it came as Canvas JSON; `keys`: how many had each key."""

    shape: Shape = field(default_factory=Shape)
    keys: Counter[str] = field(default_factory=Counter)


class Observations(DriftReport):
    """A drift report that looks into unknown events too; of more than 200 names only the counts are kept."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self.bodies: dict[str, UnknownBody] = {}

    def add_unknown(self, record: Mapping[str, Any]) -> None:
        """A record of the unknown topic."""
        super().add_unknown(record)
        name = record["event_name"] or NAMELESS
        if name not in self.bodies and len(self.bodies) >= MOST_EVENTS:
            return
        row = self.bodies.setdefault(name, UnknownBody())
        row.note(record)
        payload = orjson.loads(record["payload"])
        if record["source_format"] != SourceFormat.CANVAS_JSON or not isinstance(payload, dict):
            return
        body: dict[str, Json] = next((payload[key] for key in BODY if isinstance(payload.get(key), dict)), {})
        row.shape.add(body)
        row.keys.update(key for key, value in body.items() if value is not None and key in row.shape.keys)
