"""What changed in a schema from release to release, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from processors.catalogue import Schema
from processors.exports.pages.rows import rows
from processors.schemas.released import Released

UNRELEASED = "not released yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a schema and how it differs from the one before."""

    version: str
    changes: Sequence[str]


def entries(released: Sequence[Released], present: Schema) -> list[Entry]:
    """The newest first. A schema that was never released has the one entry that says so."""
    versions = [(str(version.version), version.schema) for version in released]
    if not versions or versions[-1][1] != present:
        versions.append((UNRELEASED, present))
    found = [Entry(versions[0][0], ["first version"])]
    for (_, old), (version, new) in pairwise(versions):
        found.append(Entry(version, list(_changes(old, new))))
    return found[::-1]


def _changes(old: Schema, new: Schema) -> Iterator[str]:
    before, after = ({row.path: row for row in rows(schema)} for schema in (old, new))
    added = [f"`{path}`" for path in after if path not in before]
    if added:
        yield f"added {', '.join(added)}"
    if old != new and not added:
        yield "documentation"
