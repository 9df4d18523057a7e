"""What a record that came of a raw one says of itself: its schema, its failure, the rollups it feeds."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson
from confluent_kafka import Message

from bridge.contract import Headers, iso_time
from processors.audit.findings import Kind
from processors.dead_letters.letters import read_letter
from processors.dead_letters.remedies import remedy
from processors.drift.masking import mask
from processors.names import TopicNames, subject
from processors.records import Json
from processors.registry import Registry, RegistryError
from processors.replay.masked import masked
from processors.replay.redelivery import AT, FROM, PATCH
from processors.rollups import ROLLUPS
from processors.rollups.base import NotCounted
from processors.topics.topic_scan import position_of
from processors.wire_format import Decoder, Unreadable

_REPLAYED = {"from": FROM, "at": AT, "patch": PATCH}
_HEAD = 5  # bytes of the wire format before the Avro
_MOST_TEXT = 1000


class Outcomes:
    """Tells records apart. `unmasked`: values as they are."""

    def __init__(self, registry: Registry, names: TopicNames, *, unmasked: bool) -> None:
        self._registry = registry
        self._names = names
        self._unmasked = unmasked
        self._versions: dict[str, dict[int, int]] = {}

    def tell(self, message: Message, kinds: Mapping[str, Kind]) -> dict[str, Any]:
        """One record, ready for JSON."""
        kind = kinds[str(message.topic())]
        told: dict[str, Any] = {"kind": kind.value, "record": str(position_of(message))}
        told |= self._letter(message) if kind is Kind.DEAD_LETTER else self._typed(message)
        headers: Headers = tuple(message.headers() or ())  # type: ignore[arg-type]
        found = {name: value.decode() for name, value in headers if value is not None}
        replayed = {name: found[header] for name, header in _REPLAYED.items() if header in found}
        return {**told, "replayed": replayed or None}

    def payload(self, value: bytes) -> Json:
        """A delivery as JSON, or as text where it is none."""
        try:
            found: Json = orjson.loads(value)
        except ValueError:
            found = value[:_MOST_TEXT].decode("utf-8", "backslashreplace")
        return found if self._unmasked else masked(found)

    def _letter(self, message: Message) -> dict[str, Any]:
        letter = read_letter(message)
        names = ("stage", "reason", "field", "event_name", "fingerprint", "message")
        return {**{name: getattr(letter, name) for name in names}, "remedy": remedy(letter.reason)}

    def _typed(self, message: Message) -> dict[str, Any]:
        name, value = subject(str(message.topic())), message.value() or b""
        schema_id = int.from_bytes(value[1:_HEAD], "big")
        key = (message.key() or b"").decode("utf-8", "replace")
        told: dict[str, Any] = {
            "key": key if self._unmasked else mask(key),
            "schema_id": schema_id,
            "subject": name,
        }
        try:
            told["version"] = self._version(name, schema_id)
            record = Decoder(self._registry, name).decode(value)
        except (RegistryError, Unreadable) as error:
            return told | {"problem": str(error)}
        told |= {"event_id": record.get("event_id"), "event": record.get("event_name")}
        return told | {"rollups": list(self._rollups(record))}

    def _version(self, name: str, schema_id: int) -> int | None:
        """The version of the subject that the id is; None: it is none of it now."""
        if name not in self._versions:
            found = [
                self._registry.look_up(name, schema) for schema in self._registry.versions(name).values()
            ]
            self._versions[name] = {item.id: item.version for item in found if item}
        return self._versions[name].get(schema_id)

    def _rollups(self, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for rollup in ROLLUPS.values():
            if record.get("event_name") not in rollup.sources:
                continue
            topic = self._names.rollup(rollup.name)
            try:
                seen = rollup.observe(record)
            except NotCounted as left_out:
                yield {"topic": topic, "left_out": left_out.reason.value}
                continue
            length = rollup.window // timedelta(milliseconds=1)
            start = seen.time // length * length
            key = seen.key if self._unmasked else mask(seen.key)
            yield {"topic": topic, "key": f"{key}/{iso_time(start)}"}
