"""Fields to be: what was seen for each, over all events that share its record, and what type follows."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.contract import iso_time
from processors.caliper_rules import ENVELOPE
from processors.drift.drift_report import Sighting
from processors.drift.inference import TIMESTAMP, Inferred, Unclear, infer
from processors.drift.known_fields import value_type
from processors.drift.schema_text import RecordPlace, Texts, at, find_record
from processors.drift.shapes import Shape
from processors.drift.targets import Target, names_of

_CREATED: Final = re.compile(r"(events/.+)_created\.avsc")
_LONGEST_NAMES: Final = 36


@dataclass(slots=True)
class Draft:
    """A field to be. `places`: the records that get it; the first is where it was seen."""

    places: list[RecordPlace]
    name: str
    shape: Shape = field(default_factory=Shape)
    seen: int = 0
    first: int | None = None
    events: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    caliper: set[str] = field(default_factory=set)

    def merge(self, other: "Draft") -> None:
        """Takes in what was seen for the other."""
        self.shape.merge(other.shape)
        self.seen += other.seen
        firsts = [first for first in (self.first, other.first) if first is not None]
        self.first = min(firsts, default=None)
        self.events |= other.events
        self.aliases |= other.aliases
        self.caliper |= other.caliper

    def doc(self) -> str:
        """What was seen, as the field's doc."""
        where = ""
        if len(self.places) > 1 or len(self.events) > 1:
            names = " and ".join(sorted(self.events))
            where = f" in {names if len(names) <= _LONGEST_NAMES else f'{len(self.events)} events'}"
        return observed(self.seen, where, self.first)


def observed(seen: int, where: str, first: int | None) -> str:
    """The doc of what was only seen."""
    times, since = ("once", ", on") if seen == 1 else (f"{seen} times", " since")
    return f"Observed, not documented: seen {times}{where}{since} {iso_time(first or 0)[:10]}."


class Drafts:
    """Collects the drafts; texts are those before any is written."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._drafts: dict[tuple[RecordPlace, str], Draft] = {}

    def add(self, target: Target, event_name: str, seen: Sighting, shape: Shape) -> None:
        """One event has values for a target."""
        found = Draft([target.place], target.name, Shape().merge(shape), seen.seen, seen.first, {event_name})
        found.aliases |= {target.alias} - {None}  # type: ignore[arg-type]  # mypy does not narrow a set
        found.caliper |= {target.caliper} - {None}  # type: ignore[arg-type]
        self._put(found)

    def paired(self) -> Iterator[Draft]:
        """The drafts in order; what must be in two twins alike is one draft with two places."""
        for key in sorted(self._drafts):
            draft = self._drafts.get(key)
            twin = twin_place(self._texts, key[0]) if draft else None
            if draft is None:
                continue
            if twin:
                other = self._drafts.pop((twin, draft.name), None)
                if other:
                    draft.merge(other)
                draft.places.append(twin)
            yield draft

    def _put(self, draft: Draft) -> None:
        key = (draft.places[0], draft.name)
        if key in self._drafts:
            self._drafts[key].merge(draft)
        else:
            self._drafts[key] = draft


def twin_place(texts: Texts, place: RecordPlace) -> RecordPlace | None:
    """The body of x_updated for that of x_created: a field of the one must be in the other, alike."""
    created = _CREATED.fullmatch(place.file)
    twin = f"{created[1]}_updated.avsc" if created else ""
    return find_record(texts, twin, place.names) if place.names == ("body",) and twin in texts else None


def settle(texts: Texts, draft: Draft) -> Inferred:
    """The type of a draft; drops the place of a twin that has the field already. Raises Unclear."""
    if len({pointer.startswith(ENVELOPE) for pointer in draft.caliper}) > 1:
        raise Unclear("stands in the Caliper envelope and in the event: write it by hand")
    inferred = infer(draft.name, draft.shape)
    for place in draft.places[1:]:
        record = at(texts, place)
        there = next((item for item in record["fields"] if item["name"] == draft.name), None)
        if there:
            inferred = _as_in_twin(there, inferred, place)
            draft.places.remove(place)
        elif {draft.name, *draft.aliases} & names_of(record):
            raise Unclear(f"{place.file} has the name for another field: write it by hand")
    return inferred


def _as_in_twin(there: Any, inferred: Inferred, place: RecordPlace) -> Inferred:
    kind = value_type(there["type"])
    listed = isinstance(kind, dict) and kind["type"] == "array"
    avro = kind["items"] if listed else kind
    same = (avro, listed) == (inferred.avro, inferred.listed)
    wider: Iterable[Any] = {"string": ("long", "double", TIMESTAMP), "double": ("long",)}.get(str(avro), ())
    if not same and (listed or inferred.listed or inferred.avro not in wider):
        raise Unclear(f"{place.file} has it with another type, and both must agree: write it by hand")
    return Inferred(avro, listed=listed, id_kind=there.get("id"), pii=there["pii"])
