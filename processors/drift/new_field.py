"""A proposed field as the lines of an .avsc, in the layout of avro/."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from processors.drift.inference import Inferred, Unclear

LONGEST_LINE: Final = 160
NAMESPACE: Final = "canvasbridge.events"
_DEEPEST_INDENT: Final = 30
_DOC: Final = "Observed, not documented."


@dataclass(frozen=True, slots=True)
class NewField:
    """A nullable field. `record_name`: of the record it holds, if any; `shared`: it has its own file."""

    name: str
    type: Inferred
    doc: str
    record_name: str = ""
    shared: bool = False
    caliper: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def pascal_case(name: str) -> str:
    """`course_progress` as `CourseProgress`."""
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", name))


def snake_case(name: str) -> str:
    """`dueAt` as `due_at`."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")


def render(field: NewField) -> list[str]:
    """The lines of the field, from brace to brace. Raises Unclear where one would be too long."""
    details = [*_details(field), f'"doc": {_json(field.doc)}']
    if field.type.avro is None and not field.shared:
        lines = [f'"name": {_json(field.name)}{_attributes(field.type)},', *(f"{line}," for line in details)]
        lines += [*_record_type(field), '"default": null']
    else:
        head = f'"name": {_json(field.name)}, "type": {_json(_type_in_line(field))}, "default": null'
        lines = [f"{head}{_attributes(field.type)},", *(f"{line}," for line in details[:-1]), details[-1]]
    if max(map(len, lines)) > LONGEST_LINE - _DEEPEST_INDENT:
        raise Unclear("a line of it would be too long: write the field by hand")
    return _braced(lines)


def render_shared(field: NewField) -> str:
    """The text of the file of the record that a field with a shared one holds."""
    head, *rest = _record(field)
    return "\n".join(_braced([f'{head} "namespace": "{NAMESPACE}",', *rest])) + "\n"


def _details(field: NewField) -> Iterator[str]:
    if field.caliper:
        pointers = field.caliper[0] if len(field.caliper) == 1 else list(field.caliper)
        yield f'"caliper": {_json(pointers)}'
    if field.aliases:
        yield f'"aliases": {_json(list(field.aliases))}'


def _attributes(inferred: Inferred) -> str:
    found = {"id": inferred.id_kind, "pii": inferred.pii}
    return "".join(f', "{name}": "{value}"' for name, value in found.items() if value)


def _type_in_line(field: NewField) -> list[Any]:
    avro = f"{NAMESPACE}.{field.record_name}" if field.shared else field.type.avro
    return ["null", {"type": "array", "items": avro} if field.type.listed else avro]


def _record_type(field: NewField) -> Iterator[str]:
    yield '"type": ["null", {'
    if field.type.listed:
        yield '  "type": "array",'
        yield '  "items": {'
        yield from (f"    {line}" for line in _record(field))
        yield "  }"
    else:
        yield from (f"  {line}" for line in _record(field))
    yield "}],"


def _record(field: NewField) -> list[str]:
    """The lines of the record that a field holds, without its braces."""
    fields = [line for lines in _separated(_inner_fields(field)) for line in lines]
    return [
        f'"type": "record", "name": {_json(field.record_name)},',
        f'"doc": {_json(_DOC)},',
        '"fields": [',
        *(f"  {line}" for line in fields),
        "]",
    ]


def _inner_fields(field: NewField) -> Iterator[NewField]:
    for name, inferred in field.type.fields.items():
        yield NewField(name, inferred, _DOC, field.record_name + pascal_case(name))


def _separated(fields: Iterator[NewField]) -> Iterator[Sequence[str]]:
    blocks = [render(inner) for inner in fields]
    for index, block in enumerate(blocks):
        yield block if index == len(blocks) - 1 else [*block[:-1], f"{block[-1]},"]


def _braced(lines: Sequence[str]) -> list[str]:
    return ["{", *(f"  {line}" for line in lines), "}"]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
