"""The sample deliveries of tests/events and what the stages make of them.

tests/events/<event_name>/<format>.<case>.pass.json with .expected.json beside it; _unknown likewise;
tests/events/_refused/<case>.fail.<reason>.*. Run as a script (`make expected`) this writes the expected files
anew; the diff is what is to be reviewed.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from bridge.contract import RawEvent
from bridge.identity import event_id
from processors.catalogue import load_catalogue
from processors.convert import describe
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline

EVENTS = Path(__file__).parent / "events"
RECEIVED_AT = 1_772_357_400_000  # 2026-03-01T09:30:00.000Z
CATALOGUE = load_catalogue()
PIPELINE = Pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), defaultdict(int)))
PASSES = sorted(EVENTS.glob("*/*.pass.json"))
FAILS = sorted(EVENTS.glob("_refused/*.fail.*"))


def convert(path: Path) -> list[dict[str, Any]]:
    """What `canvas-processors convert` says of one sample."""
    value = path.read_bytes()
    raw = RawEvent(value, event_id(value).encode(), (), RECEIVED_AT)
    return [describe(outcome, CATALOGUE.events, CATALOGUE.unknown) for outcome in PIPELINE.run(raw)]


def expected_file(path: Path) -> Path:
    """Where the expected outcome of a sample lies."""
    return path.with_name(path.name.replace(".pass.", ".expected."))


if __name__ == "__main__":
    for sample in PASSES:
        text = json.dumps(convert(sample), indent=1, ensure_ascii=False)
        expected_file(sample).write_text(text + "\n", "utf-8")
