"""Stage 3: a canonical event becomes the Kafka record of its typed topic; a failure becomes a dead letter."""

import io
from collections.abc import Mapping

import fastavro

from bridge.contract import CE_ID, CE_TYPE, RawEvent
from processors.catalogue import Catalogue
from processors.failures import Failure, Reason, Stage
from processors.fingerprint import fingerprint
from processors.names import TopicNames
from processors.records import CanonicalEvent, OutgoingRecord

MAX_RECORD_BYTES = 2 * 1_048_576 - 65_536  # the topics' limit less room for key, headers and framing
LINEAGE = "canvas.raw"
PRIVACY = "canvas.privacy"  # policy/fingerprint/key id, where there is a privacy policy
ERRORS = "canvas.errors."
EVENT_TYPE = "com.instructure.canvas."


class FanOut:
    """Encodes and addresses. `schema_ids`: topic -> id in the registry, for the Confluent wire format."""

    def __init__(self, catalogue: Catalogue, names: TopicNames, schema_ids: Mapping[str, int]) -> None:
        self.names = names
        self._schema_ids = schema_ids
        self._types = {names.typed(name): event_type for name, event_type in catalogue.events.items()}
        self._types[names.unknown] = catalogue.unknown

    def typed(self, raw: RawEvent, event: CanonicalEvent) -> OutgoingRecord:
        """The record for `canvas.<event_name>` or `canvas.unknown`. Raises Failure where it is too large."""
        topic = self.names.typed(event.event_name) if event.event_name else self.names.unknown
        buffer = io.BytesIO()
        buffer.write(b"\0" + self._schema_ids[topic].to_bytes(4, "big"))
        fastavro.schemaless_writer(buffer, self._types[topic].parsed, event.record)
        value = buffer.getvalue()
        if len(value) > MAX_RECORD_BYTES:
            raise Failure(
                Stage.FAN_OUT,
                Reason.RECORD_TOO_LARGE,
                f"the record has {len(value)} bytes, {topic} takes {MAX_RECORD_BYTES}",
                event_name=event.event_name,
            )
        name = event.record["event_name"] or "unknown"
        headers = [(CE_ID, event.event_id.encode()), (CE_TYPE, (EVENT_TYPE + name).encode())]
        if raw.position:
            headers.append((LINEAGE, str(raw.position).encode()))
        if event.privacy:
            headers.append((PRIVACY, event.privacy))
        return OutgoingRecord(topic, event.key.encode(), value, tuple(headers), raw.received_at)

    def dead_letter(self, raw: RawEvent, failure: Failure) -> OutgoingRecord:
        """The delivery as it was, key, value and headers untouched, and why it could not be converted."""
        position = raw.position
        facts = {
            "stage": failure.stage,
            "reason": failure.reason,
            "field": failure.field,
            "event_name": failure.event_name,
            "fingerprint": fingerprint(failure.reason, failure.event_name, failure.field),
            "topic": position and position.topic,
            "partition": position and str(position.partition),
            "offset": position and str(position.offset),
            "exception.class.name": type(failure).__qualname__,
            "exception.message": failure.message,
        }
        errors = tuple((ERRORS + name, text.encode()) for name, text in facts.items() if text)
        return OutgoingRecord(
            self.names.dead_letter, raw.key, raw.value, raw.headers + errors, raw.received_at
        )
