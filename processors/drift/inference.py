"""From the shape of the values seen at a place, and its name, to an Avro type and our attributes.

The attributes are cautious: what may be personal is called so, and an id is only called Canvas's own where it
looks like nothing else. The names' laws are those of avro/README.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from processors.drift.pointers import ANY, open_key
from processors.drift.shapes import Kind, Shape

FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
TIMESTAMP: Final = {"type": "long", "logicalType": "timestamp-millis"}
_TIME: Final = re.compile(r"_(at|(?<!_a_)time|until)$")  # not one_question_at_a_time
_ID: Final = re.compile(r"(^|_)(id|ids|uuid|guid)(_|$)")
_NOT_CANVAS: Final = re.compile(r"(^|_)(sis|lti|external|integration|vendor|source|request|session|job)(_|$)")
_DIRECT: Final = re.compile(r"(^|_)(email|login|user_name|short_name|client_ip)$|(user|student)_sis_id$")
_TEXT: Final = re.compile(r"(^|_)(body|text|description|title|display_name|filename)$")
_SCALARS: Final[Mapping[Kind, Any]] = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "long",
    Kind.DATE: {"type": "int", "logicalType": "date"},
    Kind.STRING: "string",
}


_NUMBERS: Final = {Kind.INTEGER, Kind.NUMBER, Kind.NUMBER_OBJECT}
_NO_TEXTS: Final = {Kind.BOOLEAN, Kind.LIST, Kind.NUMBER_OBJECT, Kind.OBJECT}


class Unclear(Exception):
    """No field can be proposed. The message gives the cause and the remedy."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """The type of a field, null aside.

    `avro`: a type without fields; None for a record, whose fields are then in `fields`. `listed`: an array
    of it. `id_kind`, `pii`: our attributes; `pii` is None where the type's own fields say it. `left_out`:
    what of the values will stay in `extra`, and why.
    """

    avro: Any
    fields: Mapping[str, "Inferred"] = field(default_factory=dict)
    listed: bool = False
    id_kind: str | None = None
    pii: str | None = "none"
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = "record" if self.avro is None else self.avro
        word = kind if isinstance(kind, str) else kind["logicalType"]
        return f"array of {word}" if self.listed else word


def infer(name: str, shape: Shape) -> Inferred:
    """The field of that name. Raises Unclear."""
    kinds = shape.kinds - {Kind.NULL}
    if kinds == {Kind.LIST}:
        return _list(name, shape.items)
    if kinds == {Kind.OBJECT}:
        return _record(shape)
    return _scalar(name, kinds, digits=shape.digits)


def _scalar(name: str, kinds: set[Kind], *, digits: bool) -> Inferred:
    if not kinds:
        raise Unclear("only nulls were seen: wait until a value comes")
    is_time, is_id = bool(_TIME.search(name)), bool(_ID.search(name))
    if is_time != (kinds == {Kind.TIME}):
        if is_time:
            raise Unclear(f"the name says time, but {_words(kinds)} came: write the field by hand")
        kinds = (kinds - {Kind.TIME}) | {Kind.STRING}
    if is_time:
        return Inferred(TIMESTAMP, pii=_pii(name, TIMESTAMP))
    avro = "string" if is_id else _one_type(kinds)
    canvas = digits and name.endswith("_id") and not _NOT_CANVAS.search(name)
    stays = kinds & _NO_TEXTS if avro == "string" else set()
    if stays == kinds:
        raise Unclear(f"{_words(kinds)} came, and no type of ours takes them all: they stay in `extra`")
    return Inferred(
        avro,
        id_kind=("canvas" if canvas else "foreign") if is_id else None,
        pii=_pii(name, avro),
        left_out=(f"{_words(stays)} among texts",) if stays else (),
    )


def _one_type(kinds: set[Kind]) -> Any:
    if kinds <= _NUMBERS and kinds != {Kind.INTEGER}:
        return "double"
    return _SCALARS.get(next(iter(kinds)), "string") if len(kinds) == 1 else "string"


def _list(name: str, items: Shape | None) -> Inferred:
    if _TIME.search(name):
        raise Unclear("the name says time, but lists came: write the field by hand")
    if items is None or not items.kinds:
        raise Unclear("only empty lists were seen: wait until one has items")
    if Kind.NULL in items.kinds or Kind.LIST in items.kinds:
        raise Unclear("lists with nulls or lists in them fit no type of ours: they stay in `extra`")
    inner = _record(items) if items.kinds == {Kind.OBJECT} else _scalar_item(name, items)
    is_id = bool(_ID.search(name))
    return Inferred(
        "string" if is_id and inner.avro else inner.avro,
        inner.fields,
        listed=True,
        id_kind="foreign" if is_id else None,
        pii=_pii(name, inner.avro or "string"),
        left_out=inner.left_out,
    )


def _scalar_item(name: str, items: Shape) -> Inferred:
    if len(items.kinds) > 1 and items.kinds & _NO_TEXTS and not items.kinds <= _NUMBERS:
        raise Unclear(f"lists of {_words(items.kinds)} fit no type of ours: they stay in `extra`")
    if items.kinds == {Kind.TIME}:
        return Inferred(TIMESTAMP)
    return _scalar(name, items.kinds, digits=items.digits)


def _record(shape: Shape) -> Inferred:
    if shape.is_open or any(open_key(key) == ANY for key in shape.keys):
        raise Unclear("its keys seem to be open: if they are, write a map of string by hand")
    fields: dict[str, Inferred] = {}
    left_out: list[str] = []
    for key, inner in sorted(shape.keys.items()):
        if not FIELD_NAME.fullmatch(key):
            left_out.append(f"{key}: a nested field cannot be named so")
            continue
        try:
            fields[key] = infer(key, inner)
        except Unclear as reason:
            left_out.append(f"{key}: {reason}")
    if not fields:
        raise Unclear("only objects without a usable key were seen")
    return Inferred(None, fields, pii=None, left_out=tuple(left_out))


def _pii(name: str, avro: Any) -> str:
    if _DIRECT.search(name):
        return "direct"
    if _TEXT.search(name):
        return "free_text"
    if _ID.search(name):
        return "indirect"
    return "free_text" if avro == "string" else "none"


def _words(kinds: set[Kind]) -> str:
    return ", ".join(sorted(kinds))
