"""The fields of an event that hold values: what the schema says of them, where deliveries have them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from processors.caliper_rules import Path, parse_pointer
from processors.catalogue import EventType
from processors.formats.canvas import BODY, METADATA

ANY = "*"
TEXT = "string"
_SECTIONS: Mapping[str, tuple[str, str]] = {"metadata": METADATA, "body": BODY}


class Leaf(NamedTuple):
    """A field that holds a value, or a list of values of one kind.

    `path`: from the canonical record on, `*` for the items of a list of records. `kind`: the Avro type, or
    the logical type. `lists`: how many lists are around the value. `sources`: where deliveries of either
    format have the field, `*` for an index.
    """

    path: Path
    kind: str
    lists: int
    pii: str
    sources: tuple[Path, ...]

    @property
    def pointer(self) -> str:
        """The path as a policy writes it."""
        return pointer(self.path)


def pointer(path: Path) -> str:
    """A path of field names as a JSON pointer; no name needs an escape."""
    return "".join(f"/{segment}" for segment in path)


def leaves(event_type: EventType) -> Iterator[Leaf]:
    """Every field of metadata and body that holds a value, in the schema's order."""
    sections = {field["name"]: field["type"] for field in event_type.schema["fields"]}
    for section, names in _SECTIONS.items():
        caliper = {
            field.name: [(path if field.of_envelope else ("data", ANY, *path)) for path, _ in field.paths]
            for field in event_type.caliper_fields[section]
        }
        for field in sections[section]["fields"]:
            canvas = ((key, name) for key in names for name in (field["name"], *field.get("aliases", ())))
            sources = (*canvas, *caliper.get(field["name"], ()))
            yield from _leaves(field, (section, field["name"]), sources)


def _leaves(field: Mapping[str, Any], path: Path, sources: tuple[Path, ...]) -> Iterator[Leaf]:
    inner, lists = _value_type(field["type"])
    if isinstance(inner, dict) and inner["type"] == "record":
        stars = (ANY,) * lists
        for child in inner["fields"]:
            below = (*stars, child["name"])
            yield from _leaves(child, path + below, tuple(source + below for source in sources))
        return
    kind = inner if isinstance(inner, str) else inner.get("logicalType", inner["type"])
    yield Leaf(path, kind, lists, field["pii"], sources)


def _value_type(schema: Any) -> tuple[Any, int]:
    """The type less null and less the lists around it, and how many lists there were."""
    if isinstance(schema, list):
        return _value_type(next(branch for branch in schema if branch != "null"))
    if isinstance(schema, dict) and schema["type"] == "array":
        inner, lists = _value_type(schema["items"])
        return inner, lists + 1
    return schema, 0


class Places:
    """A set of places in deliveries. Made to ask whether a pointer of `extra` meets one of them."""

    def __init__(self, sources: Iterable[Path]) -> None:
        self._root: dict[str, Any] = {}
        for source in sources:
            node = self._root
            for segment in source:
                node = node.setdefault(segment, {})
            node[""] = {}  # one of the places ends here

    def meet(self, text: str) -> bool:
        """Whether the pointer is one of the places, lies in one, or holds one."""
        return _meets(self._root, parse_pointer(text))


def _meets(node: dict[str, Any], path: Path) -> bool:
    if "" in node or not path:
        return True
    head, rest = path[0], path[1:]
    return any(_meets(node[name], rest) for name in (head, ANY if head.isdigit() else head) if name in node)
