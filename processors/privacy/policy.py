"""A privacy policy as its file says it (TOML, for that refuses a key written twice). See example.toml.

The most specific rule wins: a path of one event, then a path, then a class. Of two paths the longer wins.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from processors.caliper_rules import Path as FieldPath
from processors.caliper_rules import parse_pointer

CLASSES: Final = ("direct", "indirect", "free_text")
_KEYS: Final = ("version", "unknown", "classes", "paths", "events")
_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_ACTIONS: Final = 'write "keep", "drop", "hmac" or { truncate = <characters> }'


class Verb(StrEnum):
    """What can become of a value."""

    KEEP = "keep"
    DROP = "drop"  # null
    TRUNCATE = "truncate"  # the first characters of a text
    HMAC = "hmac"  # a pseudonym in place of a text


@dataclass(frozen=True, slots=True)
class Action:
    """A verb; `length` is that of truncate, in characters."""

    verb: Verb
    length: int = 0

    def __str__(self) -> str:
        return f"{self.verb} {self.length}" if self.verb is Verb.TRUNCATE else self.verb.value

    @property
    def for_text_alone(self) -> bool:
        """Whether only a text can be treated so."""
        return self.verb in (Verb.TRUNCATE, Verb.HMAC)


KEEP: Final = Action(Verb.KEEP)
DROP: Final = Action(Verb.DROP)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one file. `unknown`: for the payload of events that no schema knows, keep or drop."""

    version: str
    unknown: Action
    classes: Mapping[str, Action]
    paths: Mapping[FieldPath, Action]
    events: Mapping[str, Mapping[FieldPath, Action]]
    fingerprint: str

    @property
    def needs_key(self) -> bool:
        """Whether any rule makes pseudonyms."""
        of_paths = (action for rules in (self.paths, *self.events.values()) for action in rules.values())
        return any(action.verb is Verb.HMAC for action in (*self.classes.values(), *of_paths))


class PolicyError(ValueError):
    """A policy that cannot be applied: everything that is wrong with it, a line each."""

    def __init__(self, file: str | Path, problems: list[str]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.problems = problems


def read_policy(file: Path) -> Policy:
    """The policy in a file. Raises PolicyError, and OSError where there is no such file."""
    content = file.read_bytes()
    try:
        table = tomllib.loads(content.decode())
    except ValueError as error:  # neither UTF-8 nor TOML; the words tell which and where
        raise PolicyError(
            file, [f"cannot be read as TOML: {error}. See example.toml for a whole one"]
        ) from None
    reader = _Reader(table)
    policy = reader.policy()
    if reader.problems:
        raise PolicyError(file, reader.problems)
    return policy


class _Reader:
    """Reads what tomllib has parsed; what is wrong goes to `problems`."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.problems = [
            f"{key}: there is no such key. The keys are {', '.join(_KEYS)}"
            for key in table
            if key not in _KEYS
        ]
        self._table = table

    def policy(self) -> Policy:
        classes = {
            name: self._action(f"[classes] {name}", value)
            for name, value in self._section("classes").items()
            if self._is_class(name)
        }
        events = {
            event: self._paths(f"[events.{json.dumps(event)}]", rules)
            for event, rules in self._section("events").items()
        }
        return Policy(
            version=self._version(),
            unknown=self._unknown(),
            classes=classes,
            paths=self._paths("[paths]", self._section("paths")),
            events=events,
            fingerprint=_fingerprint(self._table),
        )

    def _version(self) -> str:
        version = self._table.get("version")
        if isinstance(version, str) and _VERSION.fullmatch(version):
            return version
        self.problems.append(
            'version: must be a text like "2026-03", of letters, digits and ._- only, at most 40. '
            "It goes into a header of every record"
        )
        return ""

    def _unknown(self) -> Action:
        if self._table.get("unknown") in (Verb.KEEP, Verb.DROP):
            return Action(Verb(self._table["unknown"]))
        self.problems.append(
            'unknown: must be "keep" or "drop", what becomes of the payload of events that no schema knows. '
            "It can hold personal data of any kind, so it must be said"
        )
        return DROP

    def _section(self, key: str) -> dict[str, Any]:
        section = self._table.get(key, {})
        if isinstance(section, dict):
            return section
        self.problems.append(f"{key}: must be a table. Write its rules under [{key}]")
        return {}

    def _is_class(self, name: str) -> bool:
        if name in CLASSES:
            return True
        self.problems.append(
            f"[classes] {name}: there is no such class. The classes are {', '.join(CLASSES)}; "
            "any other field has a rule by its path"
        )
        return False

    def _paths(self, where: str, rules: Any) -> dict[FieldPath, Action]:
        if not isinstance(rules, dict):
            self.problems.append(
                f'{where}: must be a table of paths. Write "/body/name" = "drop" under {where}'
            )
            return {}
        found: dict[FieldPath, Action] = {}
        for pointer, value in rules.items():
            at = f"{where} {json.dumps(pointer)}"
            if pointer.startswith("/"):
                found[parse_pointer(pointer)] = self._action(at, value)
            else:
                self.problems.append(
                    f"{at}: is no path. A path begins with /metadata/ or /body/ and stands in quotes, as "
                    'does the name of an event with a dot in it: [events."quizzes.item_created"]'
                )
        return found

    def _action(self, where: str, value: Any) -> Action:
        if isinstance(value, str) and value in (Verb.KEEP, Verb.DROP, Verb.HMAC):
            return Action(Verb(value))
        if isinstance(value, dict) and list(value) == ["truncate"]:
            length = value["truncate"]
            if isinstance(length, int) and not isinstance(length, bool) and length > 0:
                return Action(Verb.TRUNCATE, length)
        self.problems.append(f"{where}: {json.dumps(value, default=str)} is no action: {_ACTIONS}")
        return DROP


def _fingerprint(table: dict[str, Any]) -> str:
    """Of the rules, not of comments or order: a policy that was changed without a new version shows."""
    text = json.dumps(table, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
