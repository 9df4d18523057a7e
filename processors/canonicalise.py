"""Stage 2: a valid event becomes the one Avro record of its event name, the same for both formats."""

from collections.abc import Iterator
from typing import Any

from processors.catalogue import Catalogue, EventType
from processors.formats import FORMATS
from processors.formats.base import Reading
from processors.records import CanonicalEvent, Remark, ValidEvent
from processors.values import SHARD, Notes, read_fields

CONTEXT_IS_COURSE = "Course"


def canonicalise(event: ValidEvent, catalogue: Catalogue) -> CanonicalEvent:
    """The canonical record; for an event name no schema knows, the whole payload as an UnknownEvent."""
    event_type = catalogue.events.get(event.event_name or "")
    if event_type is None:
        record = {**_envelope(event), "event_name": event.event_name, "payload": event.payload.decode()}
        return CanonicalEvent(None, event.event_id, record, event.remarks)
    reading = FORMATS[event.source_format].read(event, event_type)
    notes, remarks = Notes(), set(event.remarks)
    try:
        notes.shard = _shard(reading)
    except _ShardConflict:
        remarks.add(Remark.SHARD_CONFLICT)
    record = {
        **_envelope(event),
        "metadata": read_fields(event_type.metadata, reading.metadata, notes),
        "body": read_fields(event_type.body, reading.body, notes),
    }
    for pointer, value in reading.unclaimed:
        notes.keep(pointer, value)
    record |= {"extra": notes.extra, "truncated": notes.truncated}
    remarks.update(_remarks(notes))
    key, unclaimed = key_of(record, event_type), tuple(notes.extra)
    return CanonicalEvent(event_type.name, key, record, frozenset(remarks), unclaimed)


def _envelope(event: ValidEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_name": event.event_name,
        "event_time": event.event_time,
        "received_at": event.received_at,
        "source_format": event.source_format.value,
    }


def _remarks(notes: Notes) -> Iterator[Remark]:
    if notes.extra:
        yield Remark.EXTRA
    if notes.truncated:
        yield Remark.TRUNCATED
    if notes.local_ids:
        yield Remark.LOCAL_ID


class _ShardConflict(Exception):
    pass


def _shard(reading: Reading) -> int | None:
    """The shard local ids belong to: that of the context, else that of the root account."""
    context = {_shard_of(value) for value in _context_ids(reading)} - {None}
    root = {_shard_of(reading.metadata.get("root_account_id", ("", None))[1])} - {None}
    if len(context | root) > 1:
        raise _ShardConflict
    return next(iter(context | root), None)


def _context_ids(reading: Reading) -> Iterator[Any]:
    for section in (reading.metadata, reading.body):
        for name, (_, value) in section.items():
            if name == "course_id" or name.endswith("context_id"):
                yield value
            elif name == "course" and isinstance(value, dict):
                yield value.get("id")


def _shard_of(value: Any) -> int | None:
    text = str(value)
    return int(text) // SHARD or None if text.isascii() and text.isdigit() else None


def key_of(record: dict[str, Any], event_type: EventType) -> str:
    """The Kafka key: course, else user, else account, else the event's own id."""
    for path in event_type.key:
        value: Any = record
        for segment in path:
            parent, value = value, value.get(segment) if isinstance(value, dict) else None
        if path[-1].endswith("context_id") and parent.get(f"{path[-1][:-2]}type") != CONTEXT_IS_COURSE:
            continue
        if value:
            return str(value)
    return str(record["event_id"])
