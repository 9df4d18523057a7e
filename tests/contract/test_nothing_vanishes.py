"""Every value of a payload is found in its record or in `extra`, compared field by field.

The values are read here a second time, by other means than the stages use. `CANVAS_EXAMPLES=<folder>` adds
deliveries of your own to the samples: every .json below it.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.samples import CATALOGUE, PASSES, convert

SHARD = 10**13
YOURS = os.environ.get("CANVAS_EXAMPLES")
DELIVERIES = [*PASSES, *(sorted(Path(YOURS).rglob("*.json")) if YOURS else [])]
RUBY_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}|UTC)")
# What a Caliper event says by its mere form, which decides the event name and is no value of it.
VOCABULARY = {"type", "action", "@context", "dataVersion", "version", "roles"}
CONSTANTS = {"Syllabus", "http://www.canvaslms.com/"}

Leaf = tuple[tuple[str, ...], Any]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def payload_of(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(path.read_bytes())
    return payload


CANVAS = [path for path in DELIVERIES if "sensor" not in payload_of(path)]
CALIPER = [path for path in DELIVERIES if "sensor" in payload_of(path)]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every value that is neither a container nor null, with where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, str(index)))
    elif value is not None:
        yield path, value


def time_of(text: str) -> float | None:
    ruby = RUBY_TIME.fullmatch(text)
    text = f"{ruby[1]}T{ruby[2]}{ruby[3].replace('UTC', 'Z')}" if ruby else text
    try:
        return datetime.fromisoformat(text).timestamp() if "T" in text else None
    except ValueError:
        return None


def forms(value: Any) -> set[Any]:
    """What a value may have become: its text, its number, its time, the id in its URN, local or global."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    found: set[Any] = {text, text.rpartition(":")[2] if text.startswith("urn:") else text}
    if time_of(text) is not None:
        found |= {time_of(text), text[:10]}
    if re.fullmatch(r"https?://[^/]+/?", text):
        found.add(text.split("/")[2])  # a host is also said by the address of its root
    for form in [form for form in found if isinstance(form, str)]:
        if form.isdigit():
            found |= {int(form), int(form) % SHARD}
        elif re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", form):
            found.add(float(form))
    return found


def kept(record: dict[str, Any]) -> set[tuple[str, ...]]:
    """The places of everything in `extra`."""
    return {
        (*pointer.replace("~1", "\0").split("/")[1:], *path)
        for pointer, text in record["extra"].items()
        for path, _ in leaves(json.loads(text))
    }


def is_kept(path: tuple[str, ...], record: dict[str, Any]) -> bool:
    return tuple(segment.replace("/", "\0").replace("~", "~0") for segment in path) in kept(record)


def with_extra_parsed(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "extra": {key: json.loads(text) for key, text in record["extra"].items()}}


@pytest.mark.parametrize("path", CANVAS, ids=name)
def test_every_value_of_canvas_json_is_in_its_field_or_in_extra(path: Path) -> None:
    (outcome,) = convert(path)
    if outcome["outcome"] == "unknown":
        assert json.loads(outcome["record"]["payload"]) == payload_of(path)
        return
    record, payload = outcome["record"], payload_of(path)
    alias = CATALOGUE.events[record["event_name"]].aliases
    head = {"event_name": record["event_name"], "event_time": record["event_time"]}
    metadata = {**record["metadata"], **head}
    for (section, *inner), value in leaves(payload):
        if section not in ("metadata", "attributes", "body", "data"):
            continue  # beside the event: a claim of the token, a note of a plugin
        found: Any = metadata if section in ("metadata", "attributes") else record["body"]
        if inner == ["compact_live_events"]:
            continue  # a switch of Canvas's own, which it strips itself
        for segment in inner:
            found = step(found, alias.get(segment, segment))
        assert is_kept((section, *inner), record) or forms(found) & forms(value), (section, *inner)


def step(found: Any, segment: str) -> Any:
    if isinstance(found, str) and found[:1] in ("{", "["):
        found = json.loads(found)  # where Canvas leaves the keys open
    if isinstance(found, dict):
        return found.get(segment)
    return found[int(segment)] if isinstance(found, list) and segment.isdigit() else None


@pytest.mark.parametrize("path", CALIPER, ids=name)
def test_every_value_of_caliper_is_in_the_record_or_in_extra(path: Path) -> None:
    payload = payload_of(path)
    envelope = {key: value for key, value in payload.items() if key != "data"}
    for index, (entry, outcome) in enumerate(zip(payload["data"], convert(path), strict=True)):
        record = outcome["record"]
        if outcome["outcome"] == "unknown":
            assert json.loads(record["payload"])["data"] == [entry]
            continue
        said = {form for _, value in leaves(with_extra_parsed(record)) for form in forms(value)}
        for place, value in (*leaves(entry, ("data", str(index))), *leaves(envelope)):
            if VOCABULARY & set(place[-2:]) or value in CONSTANTS:
                continue
            assert forms(value) & said, place
