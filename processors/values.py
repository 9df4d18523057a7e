"""JSON values to Avro values: one reader per Avro type, forgiving where Canvas is known to vary.

A reader takes the value, its JSON pointer and the Notes of the record, and returns what fastavro writes.
It raises Misfit for a value that is not of its type: the caller then leaves the field null and keeps the
value's JSON text in `extra`, so nothing is dropped and nothing is guessed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from processors.records import Json

SHARD = 10**13  # a Canvas global id is shard * 10^13 + local id
TRUNCATED_LENGTH = 8192  # Canvas cuts texts to at most so many characters, at a space, and ends them in "..."
_TRUNCATION_SLACK = 1024  # how far before that the last space may have been

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
# Ruby's own form, `2026-03-01 09:30:00 -0600`: Canvas sends it from some jobs, even as event_time.
_RUBY_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (UTC|[+-]\d{4})", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LONG = range(-(2**63), 2**63)
_BOOLEANS: Mapping[Json, bool] = {"true": True, "false": False}


class Misfit(Exception):
    """The value is not of the field's type."""


@dataclass(slots=True)
class Notes:
    """What is remembered beside the typed fields while one record is read.

    `shard` completes local Canvas ids; None leaves them as sent. `local_ids` says that one stayed local.
    """

    shard: int | None = None
    local_ids: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    truncated: list[str] = field(default_factory=list)

    def keep(self, pointer: str, value: Json) -> None:
        """Keeps what no field takes, as JSON text. Null says no more than absence and is not kept."""
        if value is not None:
            self.extra[pointer] = orjson.dumps(value).decode()


Reader = Callable[[Json, str, Notes], Any]


def read_string(value: Json, pointer: str, notes: Notes) -> str:
    """A text; a number becomes its JSON text (Canvas sends some grades and ids bare)."""
    if isinstance(value, str):
        length = len(value)
        if value.endswith("...") and TRUNCATED_LENGTH - _TRUNCATION_SLACK <= length <= TRUNCATED_LENGTH:
            notes.truncated.append(pointer)
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return orjson.dumps(value).decode()
    raise Misfit


def read_id(value: Json, pointer: str, notes: Notes) -> str:
    """A Canvas id in global form where the shard is known; a text that is no number stays as it is."""
    text = read_string(value, pointer, notes) if not isinstance(value, float) else _refuse()
    if not (text.isascii() and text.isdigit()):
        return text
    number = int(text)
    if 0 < number < SHARD:
        if notes.shard is None:
            notes.local_ids = True
            return text
        number += notes.shard * SHARD
    return str(number)


def read_double(value: Json, _pointer: str, _notes: Notes) -> float:
    """A number: plain, quoted, or Caliper's `{"numberStr": "9.5"}`."""
    if isinstance(value, dict) and len(value) == 1:
        value = value.get("numberStr")
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Misfit


def read_long(value: Json, pointer: str, notes: Notes) -> int:
    """An integer; `3.0` and `"3"` count as 3, `3.5` does not fit."""
    if isinstance(value, int) and not isinstance(value, bool) and value in _LONG:
        return value
    number = read_double(value, pointer, notes)
    if number.is_integer() and int(number) in _LONG:
        return int(number)
    raise Misfit


def read_boolean(value: Json, _pointer: str, _notes: Notes) -> bool:
    """True or false, quoted or not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise Misfit


def read_time(value: Json, _pointer: str, _notes: Notes) -> int:
    """ISO 8601 with a zone, any fraction, or Ruby's form, as milliseconds since the epoch, UTC."""
    if not isinstance(value, str):
        raise Misfit
    if not _TIME.fullmatch(value):
        ruby = _RUBY_TIME.fullmatch(value)
        if not ruby:
            raise Misfit
        value = f"{ruby[1]}T{ruby[2]}{ruby[3].replace('UTC', 'Z')}"
    try:
        return (datetime.fromisoformat(value) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise Misfit from None


def read_date(value: Json, pointer: str, notes: Notes) -> int:
    """`YYYY-MM-DD`, or the date of a full time (Caliper), as days since the epoch."""
    if isinstance(value, str) and len(value) == 10:
        value += "T00:00:00Z"
    return read_time(value, pointer, notes) // 86_400_000


def array_reader(item: Reader) -> Reader:
    """A reader of arrays whose items `item` reads; one item that does not fit misfits the array."""

    def read(value: Json, pointer: str, notes: Notes) -> list[Any]:
        if not isinstance(value, list):
            raise Misfit
        return [item(entry, f"{pointer}/{index}", notes) for index, entry in enumerate(value)]

    return read


def read_map(value: Json, _pointer: str, _notes: Notes) -> dict[str, str]:
    """A JSON object whose keys Canvas leaves open: key -> text, or the JSON text of what is none."""
    if not isinstance(value, dict):
        raise Misfit
    return {
        key: item if isinstance(item, str) else orjson.dumps(item).decode()
        for key, item in value.items()
        if item is not None
    }


def record_reader(fields: Mapping[str, Reader]) -> Reader:
    """A reader of JSON objects. What no field claims, and what does not fit its field, goes to `extra`."""

    def read(value: Json, pointer: str, notes: Notes) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit
        return read_fields(
            fields, {name: (f"{pointer}/{escape(name)}", item) for name, item in value.items()}, notes
        )

    return read


def read_fields(
    fields: Mapping[str, Reader], found: Mapping[str, tuple[str, Json]], notes: Notes
) -> dict[str, Any]:
    """The fields of one record from what was found for them: name -> (pointer, value)."""
    record: dict[str, Any] = dict.fromkeys(fields)
    for name, (pointer, value) in found.items():
        reader = fields.get(name)
        if value is None:
            continue
        if reader is None:
            notes.keep(pointer, value)
            continue
        try:
            record[name] = reader(value, pointer, notes)
        except Misfit:
            notes.keep(pointer, value)
    return record


def escape(segment: str) -> str:
    """One segment of a JSON pointer (RFC 6901)."""
    return segment if segment.isidentifier() else segment.replace("~", "~0").replace("/", "~1")


def _refuse() -> str:
    raise Misfit
