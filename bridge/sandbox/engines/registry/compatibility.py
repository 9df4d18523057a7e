"""Whether data written with one Avro schema can be read with another: Avro 1.11, Schema Resolution.

The rules are those of Avro's Java library (SchemaCompatibility), which Confluent's and Apicurio's
registries both apply: names are compared without namespace, a reader's aliases count, logical types do not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.sandbox.engines.registry.avro_schema import AvroSchema, Tree, unwrap

# reader's type: the writer's types that are promoted to it
_PROMOTIONS: Final[dict[str, frozenset[str]]] = {
    "long": frozenset({"int"}),
    "float": frozenset({"int", "long"}),
    "double": frozenset({"int", "long", "float"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}

LEVELS: Final = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """Why a reader cannot read a writer's data. `path`: JSON Pointer into the reader's schema."""

    kind: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.path or '/'}: {self.message}"


def incompatibilities(reader: AvroSchema, writer: AvroSchema) -> list[Incompatibility]:
    """Everything that keeps `reader` from reading what `writer` wrote; empty where it can."""
    return list(_Comparison(reader, writer).compare(reader.tree, writer.tree, ""))


def violations(level: str, new: AvroSchema, versions: Sequence[AvroSchema]) -> list[str]:
    """What a new schema breaks under a level of LEVELS. `versions`: the subject's, oldest first."""
    against = versions if level.endswith("_TRANSITIVE") else versions[-1:]
    found: list[str] = []
    for old in reversed(against):
        if level.startswith(("BACKWARD", "FULL")):
            found += [
                f"the new schema cannot read older data: {item}" for item in incompatibilities(new, old)
            ]
        if level.startswith(("FORWARD", "FULL")):
            found += [f"an older schema cannot read new data: {item}" for item in incompatibilities(old, new)]
    return found


class _Comparison:
    def __init__(self, reader: AvroSchema, writer: AvroSchema) -> None:
        self._reader_names = reader.names
        self._writer_names = writer.names
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
        reader, writer = _definition(reader, self._reader_names), _definition(writer, self._writer_names)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.compare(reader, branch, path)
        elif isinstance(reader, list):
            if all(list(self.compare(branch, writer, path)) for branch in reader):
                yield Incompatibility(
                    "MISSING_UNION_BRANCH", path, f"reader union lacks writer type {_label(writer)}"
                )
        elif reader["type"] == writer["type"]:
            yield from self._compare_same(reader, writer, path)
        elif writer["type"] not in _PROMOTIONS.get(reader["type"], ()):
            yield Incompatibility(
                "TYPE_MISMATCH", path, f"reader type {_label(reader)} is not writer type {_label(writer)}"
            )

    def _compare_same(self, reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
        match reader["type"]:
            case "array":
                yield from self.compare(reader["items"], writer["items"], f"{path}/items")
            case "map":
                yield from self.compare(reader["values"], writer["values"], f"{path}/values")
            case "record" | "error":
                yield from self._compare_records(reader, writer, path)
            case "enum":
                yield from _compare_names(reader, writer, path)
                yield from _compare_symbols(reader, writer, path)
            case "fixed":
                yield from _compare_names(reader, writer, path)
                if reader["size"] != writer["size"]:
                    sizes = f"expected {writer['size']}, found {reader['size']}"
                    yield Incompatibility("FIXED_SIZE_MISMATCH", f"{path}/size", sizes)

    def _compare_records(self, reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
        pair = (reader["name"], writer["name"])
        if pair in self._under_way:  # a recursive record: its other fields decide
            return
        self._under_way.add(pair)
        yield from _compare_names(reader, writer, path)
        for position, item in enumerate(reader["fields"]):
            yield from self._compare_field(item, writer, f"{path}/fields/{position}")
        self._under_way.discard(pair)

    def _compare_field(self, item: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
        names = {item["name"], *item.get("aliases", ())}
        written = [other for other in writer["fields"] if other["name"] in names]
        if len(written) > 1:
            yield Incompatibility(
                "NAME_MISMATCH", path, f"{item['name']} and its aliases name several writer fields"
            )
        elif written:
            yield from self.compare(item["type"], written[0]["type"], f"{path}/type")
        elif "default" not in item:
            message = f"field {item['name']} has no default value and the writer lacks it"
            yield Incompatibility("READER_FIELD_MISSING_DEFAULT_VALUE", path, message)


def _definition(tree: Tree, names: dict[str, Any]) -> Any:
    """A union as a list; everything else as a mapping with a `type`."""
    tree = unwrap(tree)
    if isinstance(tree, dict):
        return names.get(tree["type"], tree)
    if isinstance(tree, list):
        return tree
    return names.get(tree, {"type": tree})


def _label(tree: Any) -> str:
    return str(tree.get("name", tree["type"]))


def _compare_names(reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
    aliases = reader.get("aliases", ())
    if _simple(reader["name"]) != _simple(writer["name"]) and writer["name"] not in _qualified(
        reader, aliases
    ):
        yield Incompatibility(
            "NAME_MISMATCH", f"{path}/name", f"expected {writer['name']}, found {reader['name']}"
        )


def _simple(name: str) -> str:
    return name.rpartition(".")[2]


def _qualified(reader: Any, aliases: Sequence[str]) -> set[str]:
    namespace = reader["name"].rpartition(".")[0]
    return {alias if "." in alias or not namespace else f"{namespace}.{alias}" for alias in aliases}


def _compare_symbols(reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
    missing = sorted(set(writer["symbols"]) - set(reader["symbols"]))
    if missing and "default" not in reader:
        yield Incompatibility("MISSING_ENUM_SYMBOLS", f"{path}/symbols", f"reader lacks {', '.join(missing)}")
