"""The schema of an event that had none: the envelope of every event, and a body to be filled."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from processors.drift.inference import Unclear
from processors.drift.new_field import LONGEST_LINE, pascal_case
from processors.drift.schema_text import Texts, event_file, parse, slice_of, without_attribute

_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)
_BODY: Final = 6  # how many fields stand before it
_KEYS: Final = (
    "/body/course_id",
    "/body/context_id",
    "/metadata/context_id",
    "/body/user_id",
    "/metadata/user_id",
    "/metadata/root_account_id",
)


def new_event(texts: Texts, event_name: str, doc: str) -> str:
    """The text of its .avsc, with an empty body, or that of its created twin. Raises Unclear."""
    if not _NAME.fullmatch(event_name):
        raise Unclear("no file and no record can be named so: write the schema by hand")
    name = pascal_case(event_name)
    if any(parse(text)["name"] == name for text in texts.values()):
        raise Unclear(f"there is a record {name} already: write the schema by hand")
    envelope = _envelope(texts)
    body = [
        "{",
        '      "name": "body",',
        '      "doc": "What the event is about.",',
        '      "type": {',
        f'        "type": "record", "name": "{name}Body",',
        '        "doc": "Observed, not documented.",',
        f'        "fields": {_twin_fields(texts, event_name)}',
        "      }",
        "    }",
    ]
    head = [
        "{",
        f'  "type": "record", "name": "{name}", "namespace": "canvasbridge.events",',
        f'  "doc": {json.dumps(doc)},',
        f'  "canvas": {{"key": {json.dumps(_KEYS[-1:])}}},',
        '  "fields": [',
    ]
    if max(map(len, head)) > LONGEST_LINE:
        raise Unclear("its name is too long: write the schema by hand")
    fields = [*envelope[:_BODY], "\n".join(body), *envelope[_BODY + 1 :]]
    return "\n".join(head) + "\n    " + ",\n    ".join(fields) + "\n  ]\n}\n"


def with_key(texts: Texts, file: str) -> str:
    """The text of a new event with the key that its fields allow: course, user, account."""
    schema = parse(texts[file])
    body = {field["name"]: field for field in schema["fields"][_BODY]["type"]["fields"]}
    keys = [key for key in _KEYS if key.startswith("/metadata/") or _is_key(key.removeprefix("/body/"), body)]
    return texts[file].replace(json.dumps(_KEYS[-1:]), json.dumps(keys), 1)


def _is_key(name: str, body: Mapping[str, Any]) -> bool:
    has_type = name != "context_id" or "context_type" in body
    return has_type and body.get(name, {}).get("id") == "canvas"


def _envelope(texts: Texts) -> list[str]:
    file = min(name for name in texts if name.startswith("events/"))
    return [slice_of(texts[file], ("fields", index)) for index in range(len(parse(texts[file])["fields"]))]


def _twin_fields(texts: Texts, event_name: str) -> str:
    """What x_created has, x_updated has too, or a consumer of both could not read them as one."""
    twin = event_file(re.sub("_updated$", "_created", event_name))
    if not event_name.endswith("_updated") or twin not in texts:
        return "[]"
    fields = slice_of(without_attribute(texts[twin], "caliper"), ("fields", _BODY, "type", "fields"))
    if any(names_in(json.loads(fields))):
        raise Unclear(f"{twin} has records in its body that both must have: move them to types/ first")
    return fields


def body_is_empty(text: str) -> bool:
    """Whether the body has no field."""
    return not parse(text)["fields"][_BODY]["type"]["fields"]


def named_types(texts: Texts) -> Iterator[str]:
    """Every name of a record or enum in the files."""
    for text in texts.values():
        yield from names_in(parse(text))


def names_in(schema: Any) -> Iterator[str]:
    """The names of the records and enums in one schema."""
    if isinstance(schema, dict):
        if schema.get("type") in ("record", "enum"):
            yield schema["name"]
        for value in schema.values():
            yield from names_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from names_in(value)
