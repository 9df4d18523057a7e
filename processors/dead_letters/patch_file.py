"""Reads a patch file (TOML). Closed: what it does not know, it refuses."""

import hashlib
import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from processors.dead_letters.patch import Patch, Rule, Verb, When

_KEYS: Final = ("name", "when", "rules")
_FACTS: Final = ("reason", "event", "field", "fingerprint")
_POINTER: Final = re.compile(r"(/([^~/]|~[01])*)+")
_OWN: Final = {Verb.SET: "value", Verb.REMOVE: None, Verb.RENAME: "to"}


class PatchFileError(ValueError):
    """A patch file that cannot be used: everything that is wrong with it, a line each."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


def read_patch(file: Path) -> Patch:
    """The patch in a file. Raises PatchFileError, and OSError where it cannot be read."""
    content = file.read_bytes()
    try:
        table = tomllib.loads(content.decode())
    except ValueError as error:  # neither UTF-8 nor TOML
        raise PatchFileError(file, [f"cannot be read as TOML: {error}"]) from None
    reader = _Reader(table)
    patch = reader.patch()
    if reader.problems:
        raise PatchFileError(file, reader.problems)
    return patch


class _Reader:
    """Reads what tomllib has parsed; what is wrong goes to `problems`."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self.problems = [
            f"{key}: there is no such key. The keys are {', '.join(_KEYS)}"
            for key in table
            if key not in _KEYS
        ]

    def patch(self) -> Patch:
        name, rules = self._table.get("name"), self._table.get("rules")
        if not isinstance(name, str) or not name.strip():
            self.problems.append('name: must say what the patch is for, like "grades without a zone"')
        if not isinstance(rules, list) or not rules or not all(isinstance(rule, dict) for rule in rules):
            self.problems.append('rules: write each under [[rules]], like [[rules]] with remove = "/body/x"')
            rules = []
        found = [self._rule(number, rule) for number, rule in enumerate(rules, start=1)]
        return Patch(str(name), self._when(), [rule for rule in found if rule], _fingerprint(self._table))

    def _when(self) -> When:
        when = self._table.get("when", {})
        if not isinstance(when, dict):
            self.problems.append("when: must be a table. Write its keys under [when]")
            return When()
        equals = when.get("equals", {})
        facts = {key: value for key, value in when.items() if key != "equals"}
        for key, value in facts.items():
            if key not in _FACTS:
                known = ", ".join((*_FACTS, "equals"))
                self.problems.append(f"[when] {key}: there is no such key. The keys are {known}")
            elif not isinstance(value, str):
                self.problems.append(f"[when] {key}: must be a text")
        if not isinstance(equals, dict):
            self.problems.append('[when] equals: must be like { "/metadata/producer" = "canvas" }')
            equals = {}
        for pointer, value in equals.items():
            self._check_pointer("[when] equals", pointer)
            self._check_value(f"[when] equals {pointer}", value)
        return When(facts, equals)

    def _rule(self, number: int, rule: dict[str, Any]) -> Rule | None:
        where = f"rule {number}"
        verbs = [verb for verb in Verb if verb in rule]
        if len(verbs) != 1:
            self.problems.append(f"{where}: must have one of {', '.join(Verb)}, and has {len(verbs)}")
            return None
        (verb,) = verbs
        own = _OWN[verb]
        where = f"{where} ({verb} {rule[verb]})"
        allowed = {verb.value, own} - {None}
        for key in rule.keys() - allowed:
            self.problems.append(f"{where}: {key} does not go with {verb}")
        if own and own not in rule:
            self.problems.append(f"{where}: {own} is missing")
        self._check_pointer(where, rule[verb])
        if verb is Verb.RENAME and "to" in rule:
            self._check_pointer(f"{where} to", rule["to"])
        self._check_value(where, rule.get("value"))
        return Rule(number, verb, str(rule[verb]), rule.get("value"), str(rule.get("to", "")))

    def _check_pointer(self, where: str, pointer: Any) -> None:
        if not isinstance(pointer, str) or not _POINTER.fullmatch(pointer):
            self.problems.append(
                f"{where}: {json.dumps(pointer, default=str)} is no JSON pointer: it begins with /, like "
                "/metadata/event_time, and in a name ~ is written ~0 and / is written ~1"
            )

    def _check_value(self, where: str, value: Any) -> None:
        if not _is_json(value):
            self.problems.append(
                f"{where}: the value is nothing that JSON has: write a time in quotes, as text"
            )


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def _fingerprint(table: dict[str, Any]) -> str:
    """Of what the file says, not of comments or layout."""
    text = json.dumps(table, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
