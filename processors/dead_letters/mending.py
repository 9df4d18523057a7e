"""A dead letter becomes a delivery again: patched where it is to be, and run through the worker's stages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from confluent_kafka import Message

from bridge.contract import RawEvent
from bridge.identity import caliper_event_id, event_id
from processors.catalogue import Catalogue
from processors.dead_letters.letters import DeadLetter, read_letter
from processors.dead_letters.patch import NotPatchable, Patch
from processors.dead_letters.selection import Selection
from processors.formats.canvas import METADATA
from processors.pipeline import Pipeline
from processors.records import Json, Outcome, ValidEvent
from processors.replay.redelivery import Redelivery
from processors.validate import validate

_ENTRY: Final = re.compile(r"/data/(\d+)(?:/|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mending:
    """What is done to the letters of a selection. `unmasked`: changes are told with their values."""

    catalogue: Catalogue
    pipeline: Pipeline
    selection: Selection
    patch: Patch | None = None
    unmasked: bool = False

    def redeliver(self, message: Message) -> Redelivery | None:
        """The delivery of a record of the dead letter topic; None where it is not meant."""
        letter = read_letter(message)
        if not self.selection.takes(letter):
            return None
        try:
            return self._patched(letter) or Redelivery(
                letter.position, letter.raw, _own(letter, self.pipeline.run(letter.raw))
            )
        except NotPatchable as problem:
            return Redelivery(letter.position, letter.raw, (), problem=str(problem))

    def _patched(self, letter: DeadLetter) -> Redelivery | None:
        """None where no patch is meant for the letter. Raises NotPatchable."""
        patch, raw = self.patch, letter.raw
        document = _document(raw.value)
        if patch is None or not patch.when.holds(letter, document):
            return None
        if document is None:
            raise NotPatchable("the delivery is no JSON, so no rule finds a place in it")
        after = patch.apply(document)
        patched = raw._replace(value=orjson.dumps(after))
        items = list(validate(patched, self.catalogue))
        ids = _event_ids(raw, document)
        if len(items) != len(ids):
            raise NotPatchable(
                f"the patch makes {len(items)} events of {len(ids)}: which is which could not be told. "
                "Change entries of /data, do not add or remove any"
            )
        # An event_id is made of the content, and would be another one now.
        outcomes = [
            self.pipeline.outcome(
                patched, replace(item, event_id=own) if isinstance(item, ValidEvent) else item
            )
            for item, own in zip(items, ids, strict=True)
        ]
        changes = patch.changes(document, after, unmasked=self.unmasked)
        return Redelivery(letter.position, patched, _own(letter, outcomes), patch.fingerprint, changes)


def _document(value: bytes) -> Json:
    try:
        return orjson.loads(value)
    except ValueError:
        return None


def _event_ids(raw: RawEvent, document: Json) -> list[str]:
    """The event_ids that the delivery had before it was patched."""
    entries = document.get("data") if isinstance(document, dict) else None
    if isinstance(entries, list) and len(entries) > 1 and not any(key in document for key in METADATA):
        return [caliper_event_id(entry) for entry in entries]
    return [raw.key.decode() if raw.key else event_id(raw.value)]


def _own(letter: DeadLetter, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Of a delivery with several events that of this letter; all, where the letter does not tell which."""
    entry = _ENTRY.match(letter.field or "")
    if len(outcomes) > 1 and entry and int(entry[1]) < len(outcomes):
        return outcomes[int(entry[1]) : int(entry[1]) + 1]
    return outcomes
