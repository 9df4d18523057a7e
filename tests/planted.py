"""Where in the sample deliveries personal data stands: places to plant some in."""

import copy
import json
from collections import defaultdict
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bridge.contract import Position, RawEvent
from processors.catalogue import load_catalogue
from processors.exports.pages.rows import rows
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome

CATALOGUE = load_catalogue()
SAMPLES = sorted((Path(__file__).parent / "events").glob("[a-z]*/*.pass.json"))
FAN_OUT = FanOut(CATALOGUE, TopicNames(), defaultdict(int))
OFF = Pipeline(CATALOGUE, FAN_OUT)
CANARY = "canary-0b9d6a1d"


def run(through: Pipeline, document: Any) -> list[Outcome]:
    raw = RawEvent(orjson.dumps(document), b"key", (), 1_700_000_000_000, Position("canvas.raw", 0, 7))
    return through.run(raw)


@cache
def classes_of(event: str) -> dict[str, str]:
    """Path of a field, like `body.ratings[].points`, -> its class; from the catalogue's pages."""
    found = rows(CATALOGUE.events[event].schema)
    return {row.path: row.pii for row in found if row.pii and not row.type.startswith("array of record")}


def leaves(value: Any, known: Container[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """(path as above, value) of every field that holds one; a list of texts and a map are one value."""
    if isinstance(value, dict) and path not in known:
        for name, child in value.items():
            yield from leaves(child, known, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and path not in known:
        for child in value:
            yield from leaves(child, known, f"{path}[]")
    else:
        yield path, value


Place = tuple[Any, ...]


def places(document: Any, place: Place = ()) -> Iterator[Place]:
    """Where the delivery has texts and numbers."""
    if isinstance(document, dict | list):
        for key, child in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(child, (*place, key))
    elif isinstance(document, str | int) and not isinstance(document, bool):
        yield place


def planted(document: Any, place: Place, value: Any) -> Any:
    result = copy.deepcopy(document)
    node = result
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return result


class Ground(NamedTuple):
    """A place of a sample whose text becomes a field of that class, and nothing else."""

    sample: Path
    document: Any
    place: Place
    pii: str


@cache
def grounds() -> list[Ground]:
    found = []
    for sample in SAMPLES:
        document = json.loads(sample.read_text("utf-8"))
        for place in places(document):
            for outcome in run(OFF, planted(document, place, CANARY)):
                if outcome.event is None or outcome.event.event_name is None:
                    continue
                known = classes_of(outcome.event.event_name)
                record = list(leaves(outcome.event.record, known))
                taken = {path for path, text in record if text == CANARY}
                took = {
                    "none" if spared(path, dict(record)) else known[path] for path in taken if path in known
                }
                if len(took) == 1 and not took & {"none"}:
                    found.append(Ground(sample, document, place, took.pop()))
    return found


def spared(path: str, record: dict[str, Any]) -> bool:
    beside = f"{path[:-2]}type"
    return path.endswith("context_id") and record.get(beside) in ("Course", "Account", "Group")
