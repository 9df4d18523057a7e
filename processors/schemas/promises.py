"""What we promise consumers beyond the registry's FULL compatibility, and which changes break it.

Under Avro's rules a nullable field may go, a text become a uuid, a default change: every program can still
read every record. Yet a consumer's column goes empty, or holds something else, and nobody has told it.
So these changes are refused as well; this rule is ours. What FULL forbids is asked of `compatibility`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import fastavro

from processors.schemas.compatibility import breaks

Schema = Any
Fields = Mapping[str, Schema]

_NAMED = ("record", "enum", "fixed")
_ANNOTATIONS = ("logicalType", "precision", "scale")


@dataclass(frozen=True, slots=True)
class Breach:
    """One change that a consumer would notice without having been told.

    `field`: path of the field in the record, `/` is the record itself; `owner`: name of the record or enum
    in whose definition the change was made; `cause`: what was done; `remedy`: what to do instead.
    """

    field: str
    owner: str
    cause: str
    remedy: str


def breaches(old: Schema, new: Schema) -> list[Breach]:
    """Everything in `new` that breaks a promise made with `old`; empty where all is well.

    Both are self-contained Avro schemas as parsed JSON.
    """
    found = list(_Comparison(old, new).run())
    told = {breach.field for breach in found}
    owner = str(new["name"])
    return found + [
        Breach(item.field, owner, item.cause, item.remedy)
        for item in breaks(old, new)
        if item.field not in told
    ]


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        # fastavro gives every named type its full name.
        self._old: dict[str, Schema] = {}
        self._new: dict[str, Schema] = {}
        self._roots: tuple[Schema, Schema] = (
            fastavro.parse_schema(old, named_schemas=self._old),
            fastavro.parse_schema(new, named_schemas=self._new),
        )
        self._seen: set[str] = set()

    def run(self) -> Iterator[Breach]:
        old, new = self._roots
        if old["name"] != new["name"]:
            cause = f"was the record {old['name']} and is {new['name']}"
            yield Breach("/", _simple(new["name"]), cause, "keep the name of the record")
        else:
            self._seen.add(new["name"])
            yield from self._fields("", old, new)

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[Breach]:
        before, after = _by_name(old), _by_name(new)
        owner = _simple(new["name"])
        for name in before:
            if name not in after:
                yield Breach(f"{path}/{name}", owner, *_gone(path, before[name], _added(before, after)))
        for name, field in after.items():
            here = f"{path}/{name}"
            if name in before:
                yield from self._type(here, owner, before[name]["type"], field["type"])
                yield from _defaults(here, owner, before[name], field)
            elif "default" not in field:
                cause = "is new and has no default, so records written before cannot be read"
                yield Breach(here, owner, cause, 'make it nullable with "default": null')

    def _type(self, path: str, owner: str, old: Schema, new: Schema) -> Iterator[Breach]:
        before, after = _branches(old), _branches(new)
        if before.keys() != after.keys():
            cause = f"was {_in_words(before)} and is {_in_words(after)}"
            yield Breach(path, owner, cause, "keep the type and add a field with another name")
        for word in after:
            if word in before:
                yield from self._branch(path, owner, before[word], after[word])

    def _branch(self, path: str, owner: str, old: Schema, new: Schema) -> Iterator[Breach]:
        name = _name(new)
        if name in self._new and name in self._old:
            if name not in self._seen:
                self._seen.add(name)
                yield from self._named(path, self._old[name], self._new[name])
        elif isinstance(new, dict):
            for inner in ("items", "values"):
                if inner in new:
                    yield from self._type(f"{path}/*", owner, old[inner], new[inner])

    def _named(self, path: str, old: Schema, new: Schema) -> Iterator[Breach]:
        if new["type"] == old["type"] == "record":
            yield from self._fields(path, old, new)
        elif new["type"] == old["type"] == "enum":
            yield from _symbols(path, old, new)
            yield from _defaults(path, _simple(new["name"]), old, new)


def _gone(path: str, field: Schema, added: Fields) -> tuple[str, str]:
    """Cause and remedy for a field that is no longer there: taken out, or given another name."""
    name = field["name"]
    successor = _successor(field, added)
    if successor is None:
        return (
            "is gone, and so its column for every consumer",
            "put it back; what Canvas no longer sends is null",
        )
    remedy = f"keep {name} and add {successor} beside it as nullable"
    if path == "/body":
        remedy += (
            f'; if it is only the key that Canvas renamed, keep {name} alone, with "aliases": ["{successor}"]'
        )
    else:
        remedy += "; an Avro alias does not help, for few consumers follow it"
    return f"is gone; this looks like a rename of {name} to {successor}", remedy


def _successor(field: Schema, added: Fields) -> str | None:
    """Of the new fields of the same type, the one with the same documentation or the most similar name."""

    def likeness(name: str) -> tuple[bool, float]:
        same_doc = "doc" in field and added[name].get("doc") == field["doc"]
        return same_doc, SequenceMatcher(None, field["name"], name).ratio()

    kind = _branches(field["type"]).keys() - {"null"}
    return max(
        (name for name in added if _branches(added[name]["type"]).keys() - {"null"} == kind),
        key=likeness,
        default=None,
    )


def _defaults(path: str, owner: str, old: Schema, new: Schema) -> Iterator[Breach]:
    if "default" in old and ("default" not in new or old["default"] != new["default"]):
        now = f"{json.dumps(new['default'])}" if "default" in new else "none"
        yield Breach(
            path,
            owner,
            f"had the default {json.dumps(old['default'])} and has {now}, which readers would get instead",
            "keep the default",
        )


def _symbols(path: str, old: Schema, new: Schema) -> Iterator[Breach]:
    for change, symbols in (
        ("has the new symbols", set(new["symbols"]) - set(old["symbols"])),
        ("lost the symbols", set(old["symbols"]) - set(new["symbols"])),
    ):
        if symbols:
            yield Breach(
                path,
                _simple(new["name"]),
                f"{change} {', '.join(sorted(symbols))}, so older and newer programs read different values",
                "keep the symbols and add a field with another name",
            )


def _added(before: Fields, after: Fields) -> Fields:
    return {name: field for name, field in after.items() if name not in before}


def _by_name(record: Schema) -> dict[str, Schema]:
    return {field["name"]: field for field in record["fields"]}


def _branches(schema: Schema) -> dict[str, Schema]:
    """The types of a field by a word that tells them apart; one type is a union of one."""
    while isinstance(schema, dict) and not isinstance(schema["type"], str):
        schema = schema["type"]
    return {_word(branch): branch for branch in (schema if isinstance(schema, list) else [schema])}


def _word(branch: Schema) -> str:
    """Type and logical type of what is no union; of a named type its name."""
    if isinstance(branch, str) or branch["type"] in _NAMED:
        return _name(branch)
    details = [str(branch[key]) for key in _ANNOTATIONS if key in branch]
    return f"{branch['type']} ({', '.join(details)})" if details else str(branch["type"])


def _name(branch: Schema) -> str:
    return branch if isinstance(branch, str) else str(branch.get("name", branch["type"]))


def _simple(full_name: str) -> str:
    return full_name.rpartition(".")[2]


def _in_words(branches: Mapping[str, Schema]) -> str:
    return " or ".join(sorted(branches, key=lambda word: (word == "null", word)))
