"""A made-up event with every kind of field, and pipelines with a privacy policy for it."""

import hashlib
import hmac
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from bridge.contract import RawEvent
from processors.catalogue import Catalogue, EventType, load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.privacy.decisions import load_policy
from processors.privacy.protect import Protection
from processors.privacy.pseudonyms import Pseudonyms
from processors.records import Outcome

REAL = load_catalogue()
KEY = "a key of thirty-two characters!!"


def field(name: str, avro: Any, pii: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", avro], "default": None, "pii": pii, **more}


def record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def holder(name: str, avro: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", avro], "default": None}


PERSON = record("Person", field("id", "string", "indirect"), field("name", "string", "direct"))
LINE = record("Line", field("text", "string", "free_text"), field("points", "double", "none"))
BODY = record(
    "Body",
    field("user_id", "string", "indirect", aliases=["uid"], caliper="/object/assignee/id"),
    field("email", "string", "direct"),
    field("logins", {"type": "array", "items": "string"}, "direct"),
    field("born", {"type": "int", "logicalType": "date"}, "direct"),
    field("settings", {"type": "map", "values": "string"}, "free_text"),
    field("visits", "long", "none"),
    field("context_id", "string", "indirect"),
    field("context_type", "string", "none"),
    holder("person", PERSON),
    holder("lines", {"type": "array", "items": LINE}),
    holder(
        "grid",
        {
            "type": "array",
            "items": {"type": "array", "items": record("Cell", field("who", "string", "direct"))},
        },
    ),
)


def made_up() -> Catalogue:
    schema = orjson.loads(orjson.dumps(REAL.events["logged_in"].schema))
    schema["name"] = "MadeUp"
    schema["canvas"] = {"key": ["/body/context_id", "/body/user_id", "/metadata/root_account_id"]}
    next(part for part in schema["fields"] if part["name"] == "body")["type"] = BODY
    return Catalogue({"made_up": EventType("made_up", schema)}, REAL.unknown, {})


CATALOGUE = made_up()
METADATA = {
    "event_name": "made_up",
    "event_time": "2026-03-01T09:30:00.000Z",
    "root_account_id": "100000000000001",
}
FULL = {
    "user_id": "100000000000007",
    "email": "ada@example.edu",
    "logins": ["ada", "lovelace"],
    "born": "1815-12-10",
    "settings": {"ada@example.edu": "x"},
    "visits": 3,
    "person": {"id": "100000000000007", "name": "Ada"},
    "lines": [{"text": "Dear Ada", "points": 1.5}, {"text": "Bye", "points": 2}],
    "grid": [[{"who": "Ada"}], []],
}


class Site:
    """A place for policies."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "privacy.toml"

    def protection(self, rules: str, catalogue: Catalogue = CATALOGUE, unknown: str = "drop") -> Protection:
        self._file.write_text(f'version = "1"\nunknown = "{unknown}"\n{rules}')
        return Protection(load_policy(self._file, catalogue), catalogue, Pseudonyms(KEY))

    def send(
        self, rules: str, payload: Any, catalogue: Catalogue = CATALOGUE, unknown: str = "drop"
    ) -> Outcome:
        """What becomes of one delivery."""
        return send(payload, self.protection(rules, catalogue, unknown), catalogue)

    def run(self, rules: str, body: dict[str, Any], **metadata: Any) -> Outcome:
        """What becomes of one made-up event."""
        outcome = self.send(rules, {"metadata": {**METADATA, **metadata}, "body": body})
        assert outcome.failure is None
        return outcome


def send(payload: Any, protection: Protection | None = None, catalogue: Catalogue = CATALOGUE) -> Outcome:
    """What becomes of one delivery."""
    pipeline = Pipeline(catalogue, FanOut(catalogue, TopicNames(), defaultdict(int)), protection)
    (outcome,) = pipeline.run(RawEvent(orjson.dumps(payload), b"raw", (), 1))
    return outcome


def record_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.event
    return outcome.event.record


def pseudonym(text: str) -> str:
    return "hmac-" + hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
