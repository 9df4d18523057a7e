"""Deliveries through the stages into a drift report, and from there into a folder of schemas: no Kafka."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bridge.contract import RawEvent
from bridge.identity import event_id
from processors.catalogue import Catalogue, load_catalogue
from processors.drift.observations import Observations
from processors.drift.proposal import Proposal, propose
from processors.drift.propose_command import read_texts
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import CanonicalEvent
from tests.samples import EVENTS, RECEIVED_AT
from tests.schema_files import AVRO

Payload = dict[str, Any]


class SchemaFolder:
    """A copy of avro/ that may be changed: the shared types, and the named events alone."""

    def __init__(self, folder: Path, *event_names: str) -> None:
        self.folder = folder
        shutil.copytree(AVRO / "types", folder / "types")
        shutil.copy(AVRO / "unknown.avsc", folder)
        (folder / "events").mkdir()
        for name in event_names:
            shutil.copy(AVRO / "events" / f"{name}.avsc", folder / "events")
        self.before = self.texts()

    def texts(self) -> dict[str, str]:
        return read_texts(self.folder)

    def catalogue(self) -> Catalogue:
        return load_catalogue(self.folder)

    def records(self, payloads: Iterable[Payload]) -> list[CanonicalEvent]:
        """The payloads, converted with the schemas as they are now."""
        return convert(payloads, self.catalogue())

    def observe(self, records: Iterable[CanonicalEvent]) -> Observations:
        """What the records show, compared with the schemas as they are now."""
        observations = Observations(self.catalogue())
        for event in records:
            if event.event_name:
                observations.add(event.event_name, event.record)
            else:
                observations.add_unknown(event.record)
        return observations

    def propose(self, records: Iterable[CanonicalEvent]) -> Proposal:
        """Writes what the records propose."""
        proposal = propose(self.texts(), self.observe(records))
        self.write(proposal.texts)
        return proposal

    def write(self, texts: Mapping[str, str]) -> None:
        for file, text in texts.items():
            (self.folder / file).write_text(text, "utf-8")

    def reset(self) -> None:
        """All as it was at first."""
        for file in self.texts().keys() - self.before.keys():
            (self.folder / file).unlink()
        self.write(self.before)

    def schema(self, file: str) -> Any:
        return json.loads((self.folder / file).read_text("utf-8"))

    def body(self, event_name: str) -> dict[str, Any]:
        """The fields of an event's body by name."""
        fields = self.schema(f"events/{event_name}.avsc")["fields"]
        return {field["name"]: field for field in fields[6]["type"]["fields"]}


def convert(payloads: Iterable[Payload], catalogue: Catalogue) -> list[CanonicalEvent]:
    """The records of the payloads; a dead letter is an error of the test."""
    pipeline = Pipeline(catalogue, FanOut(catalogue, TopicNames(), defaultdict(int)))
    events: list[CanonicalEvent] = []
    for payload in payloads:
        value = json.dumps(payload).encode()
        for outcome in pipeline.run(RawEvent(value, event_id(value).encode(), (), RECEIVED_AT)):
            assert outcome.event, outcome.failure
            events.append(outcome.event)
    return events


def canvas(event_name: str, body: Payload, **metadata: Any) -> Payload:
    """A delivery in Canvas JSON."""
    head = {"event_name": event_name, "event_time": "2026-03-01T09:30:00.000Z"}
    return {"metadata": {**head, **metadata}, "body": body}


def caliper_sample(event_name: str) -> Payload:
    """The first Caliper sample of an event."""
    path = min((EVENTS / event_name).glob("caliper.*.pass.json"))
    payload: Payload = json.loads(path.read_text("utf-8"))
    return payload
