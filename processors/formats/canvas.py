"""Canvas JSON: `{"metadata": {...}, "body": {...}}`, one event per delivery.

Older producers say `attributes` for metadata and `data` for body.
"""

from collections.abc import Iterator, Mapping

from bridge.contract import EVENT_NAME, RawEvent
from bridge.identity import document_id
from processors.catalogue import Catalogue, EventType
from processors.event_time import check_event_name, find_event_time
from processors.failures import Failure, Reason, Stage
from processors.formats.base import Found, Reading
from processors.records import Json, SourceFormat, ValidEvent
from processors.values import escape

METADATA = ("metadata", "attributes")
BODY = ("body", "data")
# Claimed by the envelope of the record; the last is a switch of Canvas's own that it strips itself.
ENVELOPE_FIELDS = frozenset({"event_name", "event_time", "compact_live_events"})
# Claims of a signed delivery: the webhook has checked them, they say nothing about the event.
TOKEN_CLAIMS = frozenset({"iss", "iat", "exp", "nbf", "jti", "aud", "sub"})


_NOTHING = ("", None)


class CanvasJson:
    """Reads Canvas JSON."""

    source_format = SourceFormat.CANVAS_JSON

    def recognises(self, payload: Mapping[str, Json]) -> bool:
        """Canvas JSON has metadata, whatever else it has."""
        return any(key in payload for key in METADATA)

    def events(
        self, payload: Mapping[str, Json], raw: RawEvent, catalogue: Catalogue
    ) -> Iterator[ValidEvent | Failure]:
        """Exactly one event or failure."""
        try:
            yield self._event(payload, raw, catalogue)
        except Failure as failure:
            yield failure

    def read(self, event: ValidEvent, event_type: EventType) -> Reading:
        """Every key of metadata and body by its own name; other top-level keys are unclaimed."""
        metadata_key, body_key = _key(event.document, METADATA), _key(event.document, BODY)
        metadata = _found(event.document[metadata_key], f"/{metadata_key}")
        for name in ENVELOPE_FIELDS:
            metadata.pop(name, None)
        body = _found(_body(event.document, body_key), f"/{body_key}")
        for alias in event_type.aliases.keys() & body.keys():
            name = event_type.aliases[alias]
            if body.get(name, _NOTHING)[1] is None:
                body[name] = body.pop(alias)
        claimed = {metadata_key, body_key, *TOKEN_CLAIMS}
        unclaimed = [
            (f"/{escape(key)}", value) for key, value in event.document.items() if key not in claimed
        ]
        return Reading(metadata, body, unclaimed)

    def _event(self, payload: Mapping[str, Json], raw: RawEvent, catalogue: Catalogue) -> ValidEvent:
        metadata_key, body_key = _key(payload, METADATA), _key(payload, BODY)
        metadata = payload[metadata_key]
        if not isinstance(metadata, dict):
            raise _invalid(Reason.INVALID_METADATA, metadata_key)
        name = check_event_name(
            metadata.get("event_name") or raw.header(EVENT_NAME), f"/{metadata_key}/event_name"
        )
        known = name in catalogue.events
        if known and not isinstance(_body(payload, body_key), dict):
            raise _invalid(Reason.INVALID_BODY, body_key, name)
        time = find_event_time(
            metadata.get("event_time"), f"/{metadata_key}/event_time", raw, name if known else None
        )
        return ValidEvent(
            event_id=document_id(payload),
            event_name=name,
            event_time=time,
            received_at=raw.received_at,
            source_format=self.source_format,
            document=dict(payload),
            pointer="",
            payload=raw.value,
        )


def _body(payload: Mapping[str, Json], key: str) -> Json:
    """The body; Canvas leaves out what is null, so an absent one is empty (`logged_out`)."""
    body = payload.get(key)
    return {} if body is None else body


def _key(payload: Mapping[str, Json], names: tuple[str, str]) -> str:
    return names[0] if names[0] in payload or names[1] not in payload else names[1]


def _found(section: Mapping[str, Json], pointer: str) -> Found:
    return {name: (f"{pointer}/{escape(name)}", value) for name, value in section.items()}


def _invalid(reason: Reason, key: str, event_name: str | None = None) -> Failure:
    return Failure(Stage.VALIDATE, reason, f"/{key} must be a JSON object", f"/{key}", event_name)
