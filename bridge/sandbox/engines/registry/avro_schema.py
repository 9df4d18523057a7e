"""Reading an Avro schema strictly: what Avro's Java library refuses is refused here too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import fastavro
import orjson
from fastavro.schema import SchemaParseException, UnknownType

Tree = str | list[Any] | dict[str, Any]

NAMED: Final = ("record", "error", "enum", "fixed")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_INTERNAL: Final = ("__fastavro_parsed", "__named_schemas")


class InvalidSchema(ValueError):
    """The text is not an Avro schema."""


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A parsed schema: `text` as it was given, `tree` with full names, `names` from full name to definition.

    `identity` is the same for every spelling of one schema: order of keys, white space and namespaces
    do not count; documentation, aliases and attributes do.
    """

    text: str
    tree: Tree
    names: dict[str, Any] = field(repr=False)
    identity: bytes = field(repr=False)


def parse_schema(text: str) -> AvroSchema:
    """Reads a self-contained schema. Raises InvalidSchema with the cause."""
    names: dict[str, Any] = {}
    try:
        document = orjson.loads(text)
    except ValueError:
        document, text = text, f'"{text}"'  # a primitive may be given bare
    try:
        tree: Tree = fastavro.parse_schema(document, named_schemas=names)
        for problem in (*_without_fields(document), *_problems(tree)):
            raise InvalidSchema(problem)
    except UnknownType as error:
        raise InvalidSchema(f"unknown type: {error.name}") from None
    except SchemaParseException as error:
        raise InvalidSchema(str(error)) from None
    except KeyError as error:
        raise InvalidSchema(f"attribute {error} is missing") from None
    except (TypeError, AttributeError, RecursionError) as error:
        raise InvalidSchema(f"not an Avro schema: {error}") from None
    return AvroSchema(text, tree, names, orjson.dumps(_simplify(tree), option=orjson.OPT_SORT_KEYS))


def unwrap(tree: Tree) -> Tree:
    """`{"type": "string"}` and `{"type": {"type": …}}` are what they wrap."""
    while isinstance(tree, dict) and not isinstance(tree["type"], str):
        tree = tree["type"]
    return tree


def kind(tree: Tree) -> str:
    """The type's name: a primitive's, `union`, or that of a complex type; a full name where it refers."""
    tree = unwrap(tree)
    if isinstance(tree, list):
        return "union"
    return str(tree["type"]) if isinstance(tree, dict) else tree


def _without_fields(document: Any) -> Iterator[str]:
    # fastavro gives such a record an empty list of them
    if isinstance(document, dict):
        if document.get("type") == "record" and "fields" not in document:
            yield f"record {document.get('name')} has no fields"
        document = [document.get(inner) for inner in ("type", "fields", "items", "values")]
    for inner in document if isinstance(document, list) else ():
        yield from _without_fields(inner)


def _problems(tree: Tree) -> Iterator[str]:
    if isinstance(tree, list):
        yield from _union_problems(tree)
    elif isinstance(tree, dict):
        if tree["type"] in NAMED and not _NAME.fullmatch(str(tree.get("name"))):
            yield f"illegal name: {tree.get('name')}"
        yield from _field_problems(tree)
        for inner in ("items", "values", "type"):
            if isinstance(tree.get(inner), list | dict):
                yield from _problems(tree[inner])


def _field_problems(tree: dict[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for item in tree.get("fields", ()):
        name = str(item["name"])
        if not _NAME.fullmatch(name) or "." in name:
            yield f"illegal name: {name}"
        if name in seen:
            yield f"duplicate field {name} in record {tree.get('name')}"
        seen.add(name)
        yield from _problems(item["type"])


def _union_problems(branches: list[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for branch in branches:
        label = kind(branch)
        if label == "union":
            yield "nested union"
        if label in NAMED:
            label = branch["name"]
        if label in seen:
            yield f"duplicate in union: {label}"
        seen.add(label)
        yield from _problems(branch)


def _simplify(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_simplify(item) for item in tree]
    if isinstance(tree, dict):
        kept = {name: _simplify(value) for name, value in tree.items() if name not in _INTERNAL}
        return kept["type"] if set(kept) == {"type"} else kept
    return tree
