"""The text of an .avsc: where its records stand, and fields written into them, with nothing else moved."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from processors.drift.pointers import ANY

JsonPath = tuple[str | int, ...]
Span = tuple[int, int]
Texts = Mapping[str, str]  # name of a file, e.g. types/EventMetadata.avsc -> its text

_SPACE: Final = re.compile(r"[\s,:]*")
_DECODER: Final = json.JSONDecoder()


class RecordPlace(NamedTuple):
    """A record schema: its file, the names of the fields that lead to it there, and its path in the JSON."""

    file: str
    names: tuple[str, ...]
    path: JsonPath


@lru_cache(maxsize=256)
def parse(text: str) -> Any:
    """The text as JSON. Not to be changed: it is shared."""
    return json.loads(text)


def event_file(event_name: str) -> str:
    """The file of an event's schema."""
    return f"events/{event_name}.avsc"


def find_record(texts: Texts, file: str, names: Sequence[str]) -> RecordPlace | None:
    """The record to which these names of fields lead, from the record of the file; `*`: the items of a list.

    A shared type leads into its own file. None: there is no such record.
    """
    place = RecordPlace(file, (), ())
    for name in names:
        found = _step(texts, place, name)
        if found is None:
            return None
        place = found
    return place if isinstance(at(texts, place), dict) and at(texts, place).get("type") == "record" else None


def at(texts: Texts, place: RecordPlace) -> Any:
    """What stands at a place, as JSON."""
    value = parse(texts[place.file])
    for step in place.path:
        value = value[step]
    return value


def insert_fields(text: str, record: JsonPath, fields: Sequence[Sequence[str]]) -> str:
    """The text with fields, each the lines of its JSON, after the last field of the record at that path."""
    spans = dict(_spans(text, 0, ()))
    begin, end = spans[*record, "fields"]
    count = sum(path[:-1] == (*record, "fields") for path in spans)
    indent = _indent(text, spans[*record, "fields", count - 1][0] if count else begin) + 2 * (not count)
    blocks = ["\n".join(f"{' ' * indent}{line}" for line in lines) for lines in fields]
    if count:
        after = spans[*record, "fields", count - 1][1]
        return ",\n".join([text[:after], *blocks]) + text[after:]
    return f"{text[:begin]}[\n" + ",\n".join(blocks) + f"\n{' ' * (indent - 2)}]{text[end:]}"


def slice_of(text: str, path: JsonPath) -> str:
    """The very text of the value at a path."""
    begin, end = dict(_spans(text, 0, ()))[path]
    return text[begin:end]


def without_attribute(text: str, name: str) -> str:
    """The text without that attribute of ours, wherever it stands before another."""
    for path, (begin, end) in sorted(_spans(text, 0, ()), key=lambda item: -item[1][0]):
        if path and path[-1] == name and text[end] == ",":
            key = text.rfind(f'"{name}"', 0, begin)
            line = text.rfind("\n", 0, key)
            text = text[: line if text[line:key].isspace() else key] + text[end + 1 :]
    return text


def _step(texts: Texts, place: RecordPlace, name: str) -> RecordPlace | None:
    """To a field of a record, or to the items of a list; null aside, through names to their files."""
    here = at(texts, place)
    if name == ANY:
        if not isinstance(here, dict) or here["type"] != "array":
            return None
        path = (*place.path, "items")
    else:
        fields = here.get("fields", []) if isinstance(here, dict) else []
        index = next((index for index, field in enumerate(fields) if field["name"] == name), None)
        if index is None:
            return None
        path = (*place.path, "fields", index, "type")
    return _resolve(texts, RecordPlace(place.file, (*place.names, name), path))


def _resolve(texts: Texts, place: RecordPlace) -> RecordPlace:
    here = at(texts, place)
    if isinstance(here, list):
        index = next(index for index, branch in enumerate(here) if branch != "null")
        return _resolve(texts, place._replace(path=(*place.path, index)))
    shared = f"types/{here.rpartition('.')[2]}.avsc" if isinstance(here, str) else ""
    return RecordPlace(shared, (), ()) if shared in texts else place


def _spans(text: str, start: int, path: JsonPath) -> Iterator[tuple[JsonPath, Span]]:
    """Where each value of a valid JSON text stands; the last one yielded is the value at `start` itself."""
    start = _skip(text, start)
    end = start + 1
    if text[start] not in "{[":
        yield path, (start, _DECODER.raw_decode(text, start)[1])
        return
    step: str | int = 0
    while text[end := _skip(text, end)] not in "}]":
        if text[start] == "{":
            step, end = _DECODER.raw_decode(text, end)
        for inner, span in _spans(text, end, (*path, step)):
            yield inner, span
            end = span[1]
        step = step + 1 if isinstance(step, int) else step
    yield path, (start, end + 1)


def _skip(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _indent(text: str, position: int) -> int:
    line = text[text.rfind("\n", 0, position) + 1 :]
    return len(line) - len(line.lstrip(" "))
