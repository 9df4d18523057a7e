"""Why two versions of a schema do not go together: Avro's schema resolution, in both directions, in words.

The registry is the judge, but a registry says it in its own way or not at all. What stands here follows the
rules that Confluent's and Apicurio's registries both apply under FULL: names are compared without their
namespace, logical types and documentation do not count, `string` and `bytes` are the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Any
_NAMED = ("record", "enum", "fixed")
_PROMOTED = {"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}}


@dataclass(frozen=True, slots=True)
class Break:
    """One change that keeps old and new programs from reading each other's records.

    `field`: path of the field in the record, e.g. `/body/score`; `/` is the record itself.
    """

    field: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field} {self.cause}: {self.remedy}"


def breaks(old: Schema, new: Schema) -> list[Break]:
    """Everything in `new` that FULL compatibility with `old` does not allow; empty where all is well.

    Both are self-contained Avro schemas as parsed JSON.
    """
    return list(_Comparison(_definitions(old), _definitions(new)).compare("", old, new))


class _Comparison:
    def __init__(self, old: Mapping[str, Schema], new: Mapping[str, Schema]) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str]] = set()

    def compare(self, path: str, old: Schema, new: Schema) -> Iterator[Break]:
        """Breaks between the types of one field."""
        before, after = _branches(old, self._old), _branches(new, self._new)
        for kind in before.keys() & after.keys():
            yield from self._compare_branch(path, before[kind], after[kind])
        if not (_readable(before, after) and _readable(after, before)):
            yield Break(
                path or "/",
                f"was {_listed(before)} and is {_listed(after)}",
                "keep the type and add a field with another name",
            )

    def _compare_branch(self, path: str, old: Schema, new: Schema) -> Iterator[Break]:
        kind = _kind(old)
        if kind in _NAMED:
            names = (_full_name(old), _full_name(new))
            if names in self._seen:
                return
            self._seen.add(names)
        if kind == "record":
            yield from self._compare_fields(path, old, new)
        elif kind == "enum":
            yield from _compare_symbols(path, old, new)
        elif kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            yield from self.compare(f"{path}/*", old[inner], new[inner])

    def _compare_fields(self, path: str, old: Schema, new: Schema) -> Iterator[Break]:
        before, after = ({field["name"]: field for field in schema["fields"]} for schema in (old, new))
        for name, field in after.items():
            if name in before:
                yield from self.compare(f"{path}/{name}", before[name]["type"], field["type"])
            elif "default" not in field:
                yield Break(
                    f"{path}/{name}",
                    "is new and has no default, so records written before cannot be read",
                    'make it nullable with "default": null',
                )
        for name in before.keys() - after.keys():
            if "default" not in before[name]:
                yield Break(
                    f"{path}/{name}",
                    "is gone and had no default, so programs with the older schema cannot read new records",
                    "put it back",
                )


def _compare_symbols(path: str, old: Schema, new: Schema) -> Iterator[Break]:
    added = sorted(set(new["symbols"]) - set(old["symbols"]))
    gone = sorted(set(old["symbols"]) - set(new["symbols"]))
    if added and "default" not in old:
        yield Break(
            path or "/",
            f"has the new symbols {', '.join(added)}, which programs with the older schema cannot read",
            "keep the symbols and add a field with another name",
        )
    if gone and "default" not in new:
        yield Break(
            path or "/", f"lost the symbols {', '.join(gone)}", "put them back, or give the enum a default"
        )


def _branches(schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """The types of a field by a word that tells them apart; one type is a union of one."""
    branches = schema if isinstance(schema, list) else [schema]
    resolved = [_resolve(branch, definitions) for branch in branches]
    return {_word(branch): branch for branch in resolved}


def _readable(written: Mapping[str, Schema], reader: Mapping[str, Schema]) -> bool:
    return all(kind in reader or _PROMOTED.get(kind, set()) & reader.keys() for kind in written)


def _resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    if isinstance(schema, str):
        return definitions.get(schema, {"type": schema})
    return _resolve(schema["type"], definitions) if isinstance(schema["type"], dict) else schema


def _word(schema: Schema) -> str:
    kind = _kind(schema)
    if kind in _NAMED:
        size = f" of {schema['size']} bytes" if kind == "fixed" else ""
        return f"{kind} {_full_name(schema).rpartition('.')[2]}{size}"
    return "string" if kind == "bytes" else kind


def _kind(schema: Schema) -> str:
    return str(schema["type"])


def _full_name(schema: Schema) -> str:
    return str(schema["name"])


def _listed(branches: Mapping[str, Schema]) -> str:
    return " or ".join(sorted(branches))


def _definitions(schema: Schema) -> dict[str, Schema]:
    """Every named type of a schema by full and by simple name."""
    found: dict[str, Schema] = {}
    _collect(schema, "", found)
    return found


def _collect(schema: Schema, namespace: str, found: dict[str, Schema]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, namespace, found)
    elif isinstance(schema, dict):
        if schema.get("type") in _NAMED:
            scope, _, name = schema["name"].rpartition(".")
            namespace = scope or schema.get("namespace", namespace)
            found[f"{namespace}.{name}" if namespace else name] = schema
            found.setdefault(name, schema)
        for inner in (*schema.get("fields", ()), schema.get("items"), schema.get("values")):
            _collect(inner, namespace, found)
        if not isinstance(schema.get("type"), str):
            _collect(schema.get("type"), namespace, found)
