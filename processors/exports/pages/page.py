"""What the page of one event shows, taken from its schema, its samples and the released sets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processors.catalogue import EventType, Schema
from processors.exports.pages.history import Entry, entries
from processors.exports.pages.rows import Row, rows
from processors.exports.pages.samples import samples
from processors.names import subject
from processors.schemas.released import Released


@dataclass(frozen=True, slots=True)
class ShownSample:
    """A delivery and its record, as JSON text laid out for reading."""

    format: str
    case: str
    delivery: str
    record: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page of one event."""

    name: str
    doc: str
    record: str
    topic: str
    subject: str
    key: Sequence[str]
    matches: Sequence[Sequence[tuple[str, str]]]
    body_doc: str
    body: Sequence[Row]
    samples: Sequence[ShownSample]
    history: Sequence[Entry]


def event_page(event_type: EventType, topic: str, folder: Path, released: Sequence[Released]) -> Page:
    """The page of an event; `folder` holds its samples, `released` are its versions, oldest first."""
    schema = event_type.schema
    body = section(schema, "body")
    return Page(
        name=event_type.name,
        doc=schema["doc"],
        record=f"{schema['namespace']}.{schema['name']}",
        topic=topic,
        subject=subject(topic),
        key=schema["canvas"]["key"],
        matches=[[_condition(*rule) for rule in match.items()] for match in schema.get("caliper", [])],
        body_doc=body["doc"],
        body=list(rows(body)),
        samples=[
            ShownSample(sample.format, sample.case, _pretty(sample.delivery), _record(sample.outcome))
            for sample in samples(folder)
        ],
        history=entries(released, event_type.registered),
    )


def section(schema: Schema, name: str) -> Schema:
    """The record in a field of the envelope."""
    found: Schema = next(field["type"] for field in schema["fields"] if field["name"] == name)
    return found


def _condition(pointer: str, allowed: Sequence[str | None]) -> tuple[str, str]:
    words = [
        "absent"
        if value is None
        else f"a URN of {value.rpartition(':')[2]}"
        if value.startswith("urn:")
        else value
        for value in allowed
    ]
    return pointer, " or ".join(words)


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def _record(outcome: str) -> str:
    return "\n".join(_pretty(json.dumps(_without_nulls(each["record"]))) for each in json.loads(outcome))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value
