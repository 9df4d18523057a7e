"""IMS Caliper 1.1 as Canvas sends it: an envelope of a sensor with a list of events.

A Caliper event does not say which Canvas event it is; the schemas' `caliper` attributes do (avro/README.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from bridge.contract import EVENT_NAME, RawEvent
from bridge.identity import caliper_event_id
from processors.caliper_rules import ABSENT, URN, CaliperField, Path, resolve
from processors.catalogue import Catalogue, EventType
from processors.event_time import check_event_name, find_event_time
from processors.failures import Failure, Reason, Stage
from processors.formats.base import Found, Reading
from processors.formats.caliper_leaves import unclaimed_leaves
from processors.records import Json, Remark, SourceFormat, ValidEvent

EXTENSION = "com.instructure.canvas"
ENVELOPE_MARK = ""  # first segment of what is claimed outside of `data`
_OLD_VERSIONS = ("/caliper/v1/", "/caliper/v1p0")


class Caliper:
    """Reads Caliper 1.1."""

    source_format = SourceFormat.CALIPER

    def recognises(self, payload: Mapping[str, Json]) -> bool:
        """Caliper has a sensor, or data that is a list."""
        return "sensor" in payload or (isinstance(payload.get("data"), list) and "metadata" not in payload)

    def events(
        self, payload: Mapping[str, Json], raw: RawEvent, catalogue: Catalogue
    ) -> Iterator[ValidEvent | Failure]:
        """One item per entry of `data`."""
        data = payload.get("data")
        if not isinstance(data, list) or not data:
            yield Failure(
                Stage.VALIDATE, Reason.CALIPER_EMPTY, "/data must be a list with at least one event", "/data"
            )
            return
        for index, entry in enumerate(data):
            pointer = f"/data/{index}"
            try:
                yield _event(_Entry(entry, pointer, payload), raw, catalogue)
            except Failure as failure:
                yield failure

    def read(self, event: ValidEvent, event_type: EventType) -> Reading:
        """The fields by their Caliper paths; of the rest what says something new is unclaimed."""
        claimed: dict[Path, Json] = {}
        found = {
            section: _find(event, fields, claimed) for section, fields in event_type.caliper_fields.items()
        }
        leaves = unclaimed_leaves(event, claimed)
        return Reading(found["metadata"], found["body"], leaves)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of `data`, where it stands, and the delivery around it."""

    event: Json
    pointer: str
    delivery: Mapping[str, Json]

    def envelope(self) -> dict[str, Json]:
        return {key: value for key, value in self.delivery.items() if key != "data"}

    def payload(self, raw: RawEvent) -> bytes:
        """Canvas's own bytes; of a delivery with several events, the envelope with this one alone."""
        if len(self.delivery["data"]) == 1:
            return raw.value
        return orjson.dumps({**self.envelope(), "data": [self.event]})


def _event(entry: _Entry, raw: RawEvent, catalogue: Catalogue) -> ValidEvent:
    event, pointer = entry.event, entry.pointer
    if not isinstance(event, dict):
        raise Failure(
            Stage.VALIDATE, Reason.CALIPER_INVALID_EVENT, f"{pointer} must be a JSON object", pointer
        )
    _check_origin(event, entry.delivery, pointer)
    name, remarks = _name(event, raw, catalogue)
    known = name if name in catalogue.events else None
    return ValidEvent(
        event_id=caliper_event_id(event),
        event_name=name,
        event_time=find_event_time(event.get("eventTime"), f"{pointer}/eventTime", raw, known),
        received_at=raw.received_at,
        source_format=SourceFormat.CALIPER,
        document=event,
        pointer=pointer,
        payload=entry.payload(raw),
        envelope=entry.envelope(),
        remarks=remarks,
    )


def _check_origin(entry: Mapping[str, Json], envelope: Mapping[str, Json], pointer: str) -> None:
    for version in (envelope.get("dataVersion"), entry.get("@context")):
        if isinstance(version, str) and any(old in f"{version}/" for old in _OLD_VERSIONS):
            raise Failure(
                Stage.VALIDATE,
                Reason.CALIPER_VERSION,
                "Caliper older than 1.1; Canvas sends 1.1, so another tool posts here",
                "/dataVersion" if version == envelope.get("dataVersion") else f"{pointer}/@context",
            )
    urns = (resolve(entry, ("object", "id")), resolve(entry, ("session", "id")))
    extension = resolve(entry, ("extensions", EXTENSION))
    if not isinstance(extension, dict) and not any(
        isinstance(urn, str) and urn.startswith(URN) for urn in urns
    ):
        raise Failure(
            Stage.VALIDATE,
            Reason.CALIPER_NOT_CANVAS,
            "no Canvas extension and no Canvas URN: another sensor than Canvas posts here",
            pointer,
        )


def _name(
    entry: Mapping[str, Json], raw: RawEvent, catalogue: Catalogue
) -> tuple[str | None, frozenset[Remark]]:
    """The attribute SQS gave wins over the inference; over HTTPS there is only the inference."""
    inferred = catalogue.infer(entry)
    attribute = raw.header(EVENT_NAME)
    if not attribute:
        return inferred, frozenset()
    name = check_event_name(attribute, f"attribute {EVENT_NAME}")
    agree = inferred == name or (inferred is None and name not in catalogue.events)
    return name, frozenset() if agree else frozenset({Remark.NAME_CONFLICT})


def _find(event: ValidEvent, fields: tuple[CaliperField, ...], claimed: dict[Path, Json]) -> Found:
    found: Found = {}
    for field in fields:
        document, base = (event.envelope, "") if field.of_envelope else (event.document, event.pointer)
        for path, pointer in field.paths:
            value = resolve(document, path)
            tail = _tail(value, field.id_kind)
            if value is ABSENT or value is None or tail is ABSENT:
                continue
            found[field.name] = (base + pointer, tail)
            claimed[(ENVELOPE_MARK, *path) if field.of_envelope else path] = value
            break
    return found


def _tail(value: Json, id_kind: str | None) -> Json:
    """The id in a URN; of a URL (anonymous actor, session object) there is no Canvas id."""
    if id_kind is None or not isinstance(value, str):
        return value
    if value.startswith("urn:"):
        return value.rpartition(":")[2]
    return ABSENT if id_kind == "canvas" and "://" in value else value
