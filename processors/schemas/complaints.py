"""Says what the evolution gate refuses: which file, which field, what was done, and what to do instead."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from processors.schemas.evolution import Objection, Verdict

_SHOWN = 5


def complaints(verdicts: Iterable[Verdict], avro: Path) -> Iterator[str]:
    """A line per broken promise; a change of a shared type is one line, however many schemas have it."""
    shared = _shared(avro)
    found: dict[str, list[tuple[str, Objection]]] = {}
    for verdict in verdicts:
        for objection in verdict.objections:
            breach = objection.breach
            file = shown(shared.get(breach.owner) or file_of(avro, verdict.name))
            found.setdefault(f"{file}: {breach.field} {breach.cause}", []).append((verdict.name, objection))
    for what, concerned in found.items():
        version = max(objection.version for _, objection in concerned)
        whose = _concerned([name for name, _ in concerned])
        yield f"{what} (released in {version}{whose}): {concerned[0][1].breach.remedy}"


def file_of(avro: Path, name: str) -> Path:
    """Where the schema of that name in a released set is written."""
    if name == "unknown":
        return avro / "unknown.avsc"
    if name.startswith("rollup."):
        return avro / "rollups" / f"{name.removeprefix('rollup.')}.avsc"
    return avro / "events" / f"{name}.avsc"


def shown(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _concerned(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f", in {len(names)} schemas: {', '.join(names[:_SHOWN])}{more}" if len(names) > 1 else ""


def _shared(avro: Path) -> dict[str, Path]:
    """Simple name of every type defined in types/ -> its file."""
    return {
        name: path
        for path in sorted((avro / "types").glob("*.avsc"))
        for name in _defined(json.loads(path.read_text("utf-8")))
    }


def _defined(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _defined(branch)
    elif isinstance(schema, dict):
        if "fields" in schema or "symbols" in schema:
            yield str(schema["name"])
        for inner in (*schema.get("fields", ()), *map(schema.get, ("type", "items", "values"))):
            yield from _defined(inner)
