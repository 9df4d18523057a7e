"""Patch rules: what is changed in a delivery before it is converted again. See example_patch.toml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import EndOfList, JsonPointer, JsonPointerException

from processors.dead_letters.letters import DeadLetter
from processors.drift.masking import mask
from processors.records import Json

_ABSENT: Final = object()
_LONGEST_SHOWN: Final = 200


class Verb(StrEnum):
    """What a rule does at a place of the delivery, a JSON pointer (RFC 6901)."""

    SET = "set"
    REMOVE = "remove"
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Rule:
    """`value`: of set. `to`: the new place, of rename. `number` counts from 1, for messages."""

    number: int
    verb: Verb
    pointer: str
    value: Json = None
    to: str = ""

    def __str__(self) -> str:
        return f"rule {self.number} ({self.verb} {self.pointer})"


@dataclass(frozen=True, slots=True)
class When:
    """Which letters are patched: all that is given must hold. `equals`: JSON pointer -> value."""

    facts: Mapping[str, str] = field(default_factory=dict)
    equals: Mapping[str, Json] = field(default_factory=dict)

    def holds(self, letter: DeadLetter, document: Json) -> bool:
        """Whether the letter is meant. `facts`: reason, event, field, fingerprint."""
        told = {
            "reason": letter.reason,
            "event": letter.event_name,
            "field": letter.field,
            "fingerprint": letter.fingerprint,
        }
        return all(told[name] == text for name, text in self.facts.items()) and all(
            _same(_at(document, pointer), value) for pointer, value in self.equals.items()
        )


class NotPatchable(Exception):
    """A rule finds no place in a delivery. The message names rule, pointer and cause, never a value."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The rules of one file, in order, and the fingerprint of what they say."""

    name: str
    when: When
    rules: Sequence[Rule]
    fingerprint: str

    def apply(self, document: Json) -> Json:
        """The document patched; the one that is given stays as it is. Raises NotPatchable."""
        patched = document
        for rule in self.rules:
            try:
                patched = JsonPatch([_operation(rule, patched)]).apply(patched)
            # Their messages quote the document.
            except (JsonPatchException, JsonPointerException, TypeError, KeyError, IndexError):
                raise NotPatchable(f"{rule}: {_cause(rule, patched)}") from None
        return patched

    def changes(self, before: Json, after: Json, *, unmasked: bool) -> list[str]:
        """Per place that a rule names: what stood there and what does now."""
        places = dict.fromkeys(place for rule in self.rules for place in (rule.pointer, rule.to) if place)
        shown = {place: (_at(before, place), _at(after, place)) for place in places}
        return [
            f"{place}: {_shown(old, unmasked=unmasked)} -> {_shown(new, unmasked=unmasked)}"
            for place, (old, new) in shown.items()
            if not _same(old, new)
        ]


def _operation(rule: Rule, document: Json) -> dict[str, Any]:
    """The rule as an operation of JSON Patch (RFC 6902) on this document."""
    if rule.verb is Verb.REMOVE:
        return {"op": "remove", "path": rule.pointer}
    if rule.verb is Verb.RENAME:
        if _at(document, rule.to) is not _ABSENT:
            raise NotPatchable(f"{rule}: there is a value at {rule.to} already; remove it by a rule before")
        return {"op": "move", "from": rule.pointer, "path": rule.to}
    parent, _ = JsonPointer(rule.pointer).to_last(document)
    # `add` puts an item into a list, where `replace` takes the place of one.
    there = isinstance(parent, list) and _at(document, rule.pointer) is not _ABSENT
    return {"op": "replace" if there else "add", "path": rule.pointer, "value": rule.value}


def _cause(rule: Rule, document: Json) -> str:
    if rule.verb is not Verb.SET and _at(document, rule.pointer) is _ABSENT:
        return "there is no such place in the delivery"
    place = rule.to or rule.pointer
    return f"there is no object, or list of that length, at {place.rpartition('/')[0] or '(the whole)'}"


def _at(document: Json, pointer: str) -> Any:
    try:
        value = JsonPointer(pointer).resolve(document, _ABSENT)
        return _ABSENT if isinstance(value, EndOfList) else value
    except (JsonPointerException, TypeError):
        return _ABSENT


def _same(one: Any, other: Any) -> bool:
    # In Python, true is 1.
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _shown(value: Any, *, unmasked: bool) -> str:
    if value is _ABSENT:
        return "(absent)"
    if value is None:
        return "null"
    text = str(value)[:_LONGEST_SHOWN] if unmasked else mask(value) or "(boolean)"
    return text if text.isprintable() else ascii(text)
