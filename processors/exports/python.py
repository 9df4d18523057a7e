"""--python: a package of TypedDicts, exactly what a stock deserializer gives for each topic."""

import json
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fastavro

from processors.catalogue import EventType
from processors.exports.base import ExportRefused, Material, generated_by
from processors.exports.named_types import flatten, simple
from processors.exports.typed_dicts import WIDTH, Source, docstring

_SHARED = "Types that records of several topics have in common."
_PACKAGE = """Records of canvas-bridge's topics, as fastavro and Confluent's AvroDeserializer give them.

`CanvasEvent` is any typed event: ask its `event_name`, and a type checker knows the rest.
`EVENTS` and `TOPICS` lead from an event's name, and from a topic, to the type of its records."""


@dataclass(frozen=True)
class _Record:
    """The record of one topic. `module`: where it is in the package, below it."""

    topic: str
    event_type: EventType
    module: str
    event_name: str | None

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """Its named types by full name, the record itself last."""
        found: dict[str, Any] = {}
        flatten(fastavro.parse_schema(self.event_type.registered), found)
        return found

    @property
    def name(self) -> str:
        """The class."""
        return simple([*self.definitions][-1])


class PythonExport:
    """One module per event, one for what they share, and the union of all in the package itself."""

    about = "Python package of TypedDicts, for type checkers and editors; DIR is the package."

    def files(self, material: Material, folder: Path) -> Mapping[str, str]:
        """Module -> source, and py.typed."""
        name = folder.resolve().name
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ExportRefused(f"{name!r} cannot be imported: give the folder the name of a package")
        records = _records(material)
        shared = _shared(records)
        head = f"# {generated_by()}\n"
        modules = {
            "shared.py": _module(_SHARED, shared.values(), {}),
            **{f"{record.module}.py": _record_module(record, shared) for record in records},
            "events/__init__.py": docstring("A module per event."),
            "rollups/__init__.py": _rollups(records),
            "__init__.py": _package(records),
        }
        return {"py.typed": "", **{path: head + source for path, source in modules.items()}}


def _records(material: Material) -> list[_Record]:
    """Raises ValueError where two of them would be one module or one class."""
    catalogue, names = material.catalogue, material.names
    records = [
        *(
            _Record(names.typed(name), event_type, f"events/{_identifier(name)}", name)
            for name, event_type in catalogue.events.items()
        ),
        _Record(names.unknown, catalogue.unknown, "unknown", None),
        *(
            _Record(names.rollup(name), event_type, f"rollups/{_identifier(name)}", None)
            for name, event_type in catalogue.rollups.items()
        ),
    ]
    for what in ([record.module for record in records], [[*record.definitions][-1] for record in records]):
        twice = [name for name, count in Counter(what).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]} would be the types of two topics: give one another name")
    return records


def _identifier(name: str) -> str:
    found = re.sub(r"\W|^(?=\d)", "_", name, flags=re.ASCII)
    return f"{found}_" if keyword.iskeyword(found) else found


def _shared(records: Iterable[_Record]) -> dict[str, Any]:
    """The types of more than one topic. Raises ValueError where one name means two types."""
    found: dict[str, Any] = {}
    uses: Counter[str] = Counter()
    for record in records:
        for name, definition in record.definitions.items():
            if found.setdefault(name, definition) != definition:
                raise ValueError(
                    f"{name} is defined twice, the second time in {record.topic}: give it another name"
                )
            uses[name] += 1
    return {name: definition for name, definition in found.items() if uses[name] > 1}


def _record_module(record: _Record, shared: Mapping[str, Any]) -> str:
    own = [definition for name, definition in record.definitions.items() if name not in shared]
    dots = "." * (record.module.count("/") + 1)
    imported = {simple(name): f"{dots}shared" for name in record.definitions if name in shared}
    return _module(f"Values of the topic {record.topic}.", own, imported, record.event_name)


def _module(
    about: str, definitions: Iterable[Any], imported: Mapping[str, str], event_name: str | None = None
) -> str:
    """`definitions`: what is used first, the record last; `imported`: class -> module, all from one."""
    source = Source()
    types = [*definitions]
    texts = [
        source.definition(definition, event_name if definition is types[-1] else None) for definition in types
    ]
    own = [simple(definition["name"]) for definition in types]
    blocks = [source.imports(), *(_import(module, imported) for module in {*imported.values()})]
    return _source(about, "\n".join(blocks), [*own, *imported]) + "".join(f"\n\n{text}" for text in texts)


def _rollups(records: Iterable[_Record]) -> str:
    found = [record for record in records if record.module.startswith("rollups/")]
    imports = "".join(_import("." + record.module.partition("/")[2], [record.name]) for record in found)
    return _source("Values of the rollup topics.", imports, [record.name for record in found])


def _package(records: Iterable[_Record]) -> str:
    events = [record for record in records if record.event_name is not None]
    top = [record for record in records if not record.module.startswith("rollups/")]
    imports = ["from collections.abc import Mapping\nfrom typing import Any, Final, TypeAlias, Union\n\n"]
    imports += ["from . import rollups\n"]
    imports += [_import("." + record.module.replace("/", "."), [record.name]) for record in top]
    exported = ["CanvasEvent", "EVENTS", "TOPICS", "rollups", *(record.name for record in top)]
    by_name = {record.event_name: record.name for record in events}
    by_topic = {
        record.topic: record.name if record in top else f"rollups.{record.name}" for record in records
    }
    return (
        _source(_PACKAGE, "".join(imports), exported)
        + f"\nCanvasEvent: TypeAlias = Union[\n{_lines(f'{name},' for name in by_name.values())}]\n"
        + _mapping("EVENTS", by_name, "Name of an event -> type of its records.")
        + _mapping("TOPICS", by_topic, "Topic -> type of its records.")
    )


def _source(about: str, imports: str, exported: Iterable[str]) -> str:
    names = _lines(f"{json.dumps(name)}," for name in sorted(exported))
    return f"{docstring(about)}\nfrom __future__ import annotations\n\n{imports}\n__all__ = [\n{names}]\n"


def _import(module: str, names: Iterable[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}\n"
    if len(line) <= WIDTH:
        return line
    lines = _lines(f"{name}," for name in sorted(names))
    return f"from {module} import (\n{lines})\n"


def _mapping(name: str, items: Mapping[Any, str], about: str) -> str:
    lines = _lines(f"{json.dumps(key)}: {value}," for key, value in items.items())
    return f"\n{name}: Final[Mapping[str, type[Any]]] = {{\n{lines}}}\n{docstring(about)}"


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"    {text}\n" for text in texts)
