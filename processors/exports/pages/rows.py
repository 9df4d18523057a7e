"""The fields of a schema as rows of a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from processors.caliper_rules import ENVELOPE
from processors.catalogue import Schema


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `path`: e.g. `ratings[].points`; `canvas`: keys of Canvas JSON; `caliper`: pointers."""

    path: str
    depth: int
    type: str
    nullable: bool
    pii: str
    id: str
    canvas: tuple[str, ...]
    caliper: tuple[str, ...]
    doc: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def json(self) -> list[str]:
        """Its JSON pointers below the section of Canvas JSON; none for what only Caliper's envelope has."""
        if any(pointer.startswith(ENVELOPE) for pointer in self.caliper):
            return []
        place = "".join(f"/{part}" for part in self.path.split(".")[:-1]).replace("[]", "/*")
        return [f"{place}/{key}" for key in self.canvas]


def rows(record: Schema, prefix: str = "", known: dict[str, Schema] | None = None) -> Iterator[Row]:
    """A row per field, each followed by those of the record it holds."""
    known = {} if known is None else known
    for field in record["fields"]:
        nullable, inner = _without_null(field["type"])
        label, nested = _described(inner, known)
        path = prefix + field["name"] + ("[]" if nested and label.startswith("array") else "")
        pointers = field.get("caliper", [])
        yield Row(
            path=path,
            depth=prefix.count("."),
            type=label,
            nullable=nullable,
            pii=field.get("pii", ""),
            id=field.get("id", ""),
            canvas=(field["name"], *field.get("aliases", ())),
            caliper=tuple([pointers] if isinstance(pointers, str) else pointers),
            doc=field["doc"],
        )
        if nested:
            yield from rows(nested, f"{path}.", known)


def _without_null(schema: Any) -> tuple[bool, Any]:
    if isinstance(schema, list):
        return "null" in schema, next(branch for branch in schema if branch != "null")
    return False, schema


def _described(schema: Any, known: dict[str, Schema]) -> tuple[str, Schema | None]:
    """The type in a word or two, and the record it holds. A name is spelt out where it is first used."""
    if isinstance(schema, str):
        return _described(known[schema], known) if schema in known else (schema, None)
    kind = schema.get("logicalType", schema["type"])
    if "name" in schema:
        known[f"{schema.get('namespace', '')}.{schema['name']}"] = schema
    if kind == "array":
        label, nested = _described(schema["items"], known)
        return f"array of {label}", nested
    if kind == "record":
        return "record", schema
    if kind == "enum":
        return " or ".join(schema["symbols"]), None
    return (f"map of {schema['values']}" if kind == "map" else str(kind)), None
