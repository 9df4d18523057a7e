"""The evolution gate: the schemas of today against every released version of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType
from packaging.version import Version

from processors.catalogue import Schema
from processors.schemas.promises import Breach, breaches
from processors.schemas.registration import Change
from processors.schemas.released import History, Released

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Objection:
    """A breach, and the newest release whose promise it breaks."""

    breach: Breach
    version: Version


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of a schema since its last release.

    `released`: that release, None for a schema that was never in one; `details`: what changed, in words.
    """

    name: str
    change: Change
    released: Version | None
    details: str
    objections: tuple[Objection, ...] = ()


def judge(schemas: Mapping[str, Schema], history: History) -> list[Verdict]:
    """A verdict on every schema of today and of the history, by name.

    Raises ValueError that names a schema which is not valid Avro.
    """
    return [_judge(name, schemas.get(name), history.get(name, [])) for name in sorted({*schemas, *history})]


def to_release(schemas: Mapping[str, Schema], history: History) -> dict[str, Schema]:
    """The schemas that are new or changed since their last release."""
    return {
        name: schema
        for name, schema in schemas.items()
        if name not in history or history[name][-1].schema != schema
    }


def _judge(name: str, schema: Schema | None, released: list[Released]) -> Verdict:
    last = released[-1] if released else None
    if schema is None:
        return _withdrawn(name, released[-1])
    _assert_valid(name, schema)
    if last is None:
        return Verdict(name, Change.NEW, None, "")
    objections = tuple(_objections(schema, released))
    if objections:
        details = f"{len(objections)} broken promise{'s' * (len(objections) > 1)}"
        return Verdict(name, Change.REFUSED, last.version, details, objections)
    if schema == last.schema:
        return Verdict(name, Change.UNCHANGED, last.version, "")
    return Verdict(name, Change.CHANGED, last.version, _difference(last.schema, schema))


def _withdrawn(name: str, last: Released) -> Verdict:
    breach = Breach(
        "/",
        str(last.schema["name"]),
        "is gone, and so its topic for every consumer",
        "put the file back; a schema whose event Canvas no longer sends stays",
    )
    return Verdict(name, Change.REFUSED, last.version, "withdrawn", (Objection(breach, last.version),))


def _objections(schema: Schema, released: list[Released]) -> Iterator[Objection]:
    """Each field once, by the newest release that objects."""
    told: set[str] = set()
    for version in reversed(released):
        found = breaches(version.schema, schema)
        yield from (Objection(breach, version.version) for breach in found if breach.field not in told)
        told.update(breach.field for breach in found)


def _assert_valid(name: str, schema: Schema) -> None:
    try:
        fastavro.parse_schema(schema)
    except UnknownType as error:
        raise ValueError(f"the schema of {name} refers to {error.name}, which is defined nowhere") from None
    except (SchemaParseException, KeyError, TypeError) as error:
        raise ValueError(f"the schema of {name} is not valid Avro: {error!r}") from None


def _difference(old: Schema, new: Schema) -> str:
    added = [path for path in _paths(new) if path not in set(_paths(old))]
    if not added:
        return "documentation, aliases or order"
    more = f" and {len(added) - _SHOWN} more" if len(added) > _SHOWN else ""
    return f"added {', '.join(added[:_SHOWN])}{more}"


def _paths(schema: Any, path: str = "") -> Iterator[str]:
    """Path of every field, where its type is first defined."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _paths(branch, path)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            yield f"{path}/{field['name']}"
            yield from _paths(field["type"], f"{path}/{field['name']}")
        for inner in ("items", "values"):
            yield from _paths(schema.get(inner), f"{path}/*")
