"""Avro types as Python source: what a stock deserializer (fastavro) gives, for a type checker to know.

A record is a TypedDict, an enum a Literal; a logical type is what fastavro reads it as.
"""

import json
import keyword
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from processors.exports.named_types import simple

Schema = Any

WIDTH = 100
_INDENT = "    "
_PRIMITIVES: Final = {
    "null": "None",
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "bytes": "bytes",
    "string": "str",
}
LOGICAL: Final = {
    "string-uuid": "UUID",
    "int-date": "date",
    "int-time-millis": "time",
    "long-time-micros": "time",
    "long-timestamp-millis": "datetime",
    "long-timestamp-micros": "datetime",
    "long-local-timestamp-millis": "datetime",
    "long-local-timestamp-micros": "datetime",
    "bytes-decimal": "Decimal",
    "fixed-decimal": "Decimal",
}
_MODULES: Final = {
    "UUID": "uuid",
    "date": "datetime",
    "time": "datetime",
    "datetime": "datetime",
    "Decimal": "decimal",
    "Literal": "typing",
    "TypeAlias": "typing",
    "TypedDict": "typing",
}
# A field of such a name, in a class, would hide the type from the fields after it.
_TYPE_NAMES: Final = frozenset({*_PRIMITIVES.values(), *_MODULES, "list", "dict"})


class Source:
    """Source of the types of one module; `used` collects what they refer to, by name."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def imports(self) -> str:
        """The import lines for what was used of the standard library."""
        modules: dict[str, list[str]] = {}
        for name in sorted(self.used & _MODULES.keys()):
            modules.setdefault(_MODULES[name], []).append(name)
        lines = [f"from {module} import {', '.join(names)}\n" for module, names in sorted(modules.items())]
        return "".join(lines)

    def definition(self, schema: Schema, event_name: str | None = None) -> str:
        """A named type; `event_name`: what the field of that name always holds in this record."""
        name, doc = simple(schema["name"]), schema.get("doc", "")
        if schema["type"] == "record":
            fields = {field["name"]: self._field(field, event_name) for field in schema["fields"]}
            docs = {field["name"]: field.get("doc", "") for field in schema["fields"]}
            self.used.add("TypedDict")
            return _class(name, doc, fields, docs) if _plain(fields) else _call(name, doc, fields, docs)
        self.used.add("TypeAlias")
        kind = self._literal(schema["symbols"]) if schema["type"] == "enum" else self._base(schema)
        return f"{name}: TypeAlias = {kind}\n{docstring(doc)}"

    def annotation(self, schema: Schema) -> str:
        """A type without definitions in it, as an annotation."""
        if isinstance(schema, list):
            kinds = [
                self.annotation(branch) for branch in sorted(schema, key=lambda branch: branch == "null")
            ]
            return " | ".join(dict.fromkeys(kinds))
        if isinstance(schema, dict):
            if schema["type"] == "array":
                return f"list[{self.annotation(schema['items'])}]"
            if schema["type"] == "map":
                return f"dict[str, {self.annotation(schema['values'])}]"
            return self._base(schema)
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        self.used.add(schema)
        return simple(schema)

    def _field(self, field: Schema, event_name: str | None) -> str:
        if event_name is not None and field["name"] == "event_name":
            return self._literal([event_name])
        return self.annotation(field["type"])

    def _base(self, schema: Schema) -> str:
        kind = schema["type"]
        found = LOGICAL.get(f"{kind}-{schema.get('logicalType')}")
        if found is None:
            return "bytes" if kind == "fixed" else self.annotation(kind)
        self.used.add(found)
        return found

    def _literal(self, values: Sequence[str]) -> str:
        self.used.add("Literal")
        return f"Literal[{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"


def docstring(text: str, indent: str = "") -> str:
    """A docstring with its line end, wrapped; nothing where there is no text."""
    if not text:
        return ""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    safe = safe[:-1] + '\\"' if safe.endswith('"') else safe
    lines = [
        line
        for paragraph in f'"""{safe}"""'.split("\n")
        for line in textwrap.wrap(
            paragraph, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False
        )
        or [""]
    ]
    return "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)


def _plain(fields: Mapping[str, str]) -> bool:
    return not any(keyword.iskeyword(name) or name.startswith("__") or name in _TYPE_NAMES for name in fields)


def _class(name: str, doc: str, fields: Mapping[str, str], docs: Mapping[str, str]) -> str:
    body = [f"{_INDENT}{field}: {kind}\n{docstring(docs[field], _INDENT)}" for field, kind in fields.items()]
    return f"class {name}(TypedDict):\n" + "\n".join(
        [docstring(doc, _INDENT), *body] if doc else body or [f"{_INDENT}pass\n"]
    )


def _call(name: str, doc: str, fields: Mapping[str, str], docs: Mapping[str, str]) -> str:
    # Types as texts: they may name a type that is defined further down.
    body = "".join(
        "".join(f"{_INDENT * 2}# {line}\n" for line in textwrap.wrap(docs[field], WIDTH - 10))
        + f"{_INDENT * 2}{json.dumps(field)}: {json.dumps(kind, ensure_ascii=False)},\n"
        for field, kind in fields.items()
    )
    return f'{name} = TypedDict(\n{_INDENT}"{name}",\n{_INDENT}{{\n{body}{_INDENT}}},\n)\n{docstring(doc)}'
