"""Changes of an Avro schema and whether a registry may let them through, by its compatibility level.

The verdicts are those of Avro's rules of schema resolution; every engine's registry is held to them.
"""

from typing import Any, Final


def record(*fields: dict[str, Any], name: str = "Thing") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "contract", "fields": list(fields)}


def field(name: str, of: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Colour", "symbols": list(symbols), **more}


def nullable(of: Any) -> list[Any]:
    return ["null", of]


ONE = record(field("id"))
TWO = record(field("id"), field("note", nullable("string"), default=None))
OTHER = record(field("id", "long"))
INNER = record(field("a", nullable("long"), default=None), name="Inner")
INNER_GROWN = record(*INNER["fields"], field("b", nullable("long"), default=None), name="Inner")
TREE = record(field("next", nullable("contract.Thing"), default=None))
TREE_GROWN = record(*TREE["fields"], field("note", nullable("string"), default=None))

# what changes: level, old, new, whether the new one may be registered
CHANGES: Final[dict[str, tuple[str, Any, Any, bool]]] = {
    "a nullable field is added": ("FULL_TRANSITIVE", ONE, TWO, True),
    "a nullable field goes": ("FULL_TRANSITIVE", TWO, ONE, True),
    "a field without default is added": ("FULL_TRANSITIVE", ONE, record(*ONE["fields"], field("b")), False),
    "a field without default goes": ("FULL_TRANSITIVE", record(*ONE["fields"], field("b")), ONE, False),
    "a field without default is added, forward": ("FORWARD", ONE, record(*ONE["fields"], field("b")), True),
    "a field without default goes, backward": ("BACKWARD", record(*ONE["fields"], field("b")), ONE, True),
    "a type changes": ("FULL_TRANSITIVE", ONE, OTHER, False),
    "a type changes, nothing checked": ("NONE", ONE, OTHER, True),
    "int becomes long, backward": ("BACKWARD", record(field("n", "int")), record(field("n", "long")), True),
    "int becomes long, full": ("FULL", record(field("n", "int")), record(field("n", "long")), False),
    "long becomes int, backward": ("BACKWARD", record(field("n", "long")), record(field("n", "int")), False),
    "long becomes double, backward": (
        "BACKWARD",
        record(field("n", "long")),
        record(field("n", "double")),
        True,
    ),
    "string becomes bytes, full": ("FULL", record(field("n")), record(field("n", "bytes")), True),
    "a field becomes nullable, backward": (
        "BACKWARD",
        ONE,
        record(field("id", nullable("string"))),
        True,
    ),
    "a field becomes nullable, full": ("FULL", ONE, record(field("id", nullable("string"))), False),
    "a union grows, backward": (
        "BACKWARD",
        record(field("v", ["null", "long"])),
        record(field("v", ["null", "long", "string"])),
        True,
    ),
    "a union grows, forward": (
        "FORWARD",
        record(field("v", ["null", "long"])),
        record(field("v", ["null", "long", "string"])),
        False,
    ),
    "a union's order changes": (
        "FULL",
        record(field("v", ["null", "long"])),
        record(field("v", ["long", "null"])),
        True,
    ),
    "a logical type is added": (
        "FULL",
        record(field("t", "long")),
        record(field("t", {"type": "long", "logicalType": "timestamp-millis"})),
        True,
    ),
    "a symbol is added, backward": (
        "BACKWARD",
        record(field("c", enum("RED"))),
        record(field("c", enum("RED", "BLUE"))),
        True,
    ),
    "a symbol is added, full": (
        "FULL",
        record(field("c", enum("RED"))),
        record(field("c", enum("RED", "BLUE"))),
        False,
    ),
    "a symbol is added to an enum with a default": (
        "FULL",
        record(field("c", enum("RED", default="RED"))),
        record(field("c", enum("RED", "BLUE", default="RED"))),
        True,
    ),
    "an array's items change": (
        "FULL",
        record(field("l", {"type": "array", "items": "string"})),
        record(field("l", {"type": "array", "items": "long"})),
        False,
    ),
    "a map's values are promoted, backward": (
        "BACKWARD",
        record(field("m", {"type": "map", "values": "int"})),
        record(field("m", {"type": "map", "values": "double"})),
        True,
    ),
    "a nested record grows": (
        "FULL_TRANSITIVE",
        record(field("inner", nullable(INNER), default=None)),
        record(field("inner", nullable(INNER_GROWN), default=None)),
        True,
    ),
    "a nested record is renamed": (
        "BACKWARD",
        record(field("inner", INNER)),
        record(field("inner", {**INNER, "name": "Other"})),
        False,
    ),
    "a nested record is renamed with an alias, backward": (
        "BACKWARD",
        record(field("inner", INNER)),
        record(field("inner", {**INNER, "name": "Other", "aliases": ["Inner"]})),
        True,
    ),
    "a field is renamed with an alias, backward": (
        "BACKWARD",
        ONE,
        record(field("key", aliases=["id"])),
        True,
    ),
    "a recursive record grows": ("FULL_TRANSITIVE", TREE, TREE_GROWN, True),
    "a recursive record changes": (
        "FULL_TRANSITIVE",
        TREE_GROWN,
        record(*TREE["fields"], field("note", nullable("long"), default=None)),
        False,
    ),
    "a fixed changes its size": (
        "FULL",
        record(field("f", {"type": "fixed", "name": "F", "size": 4})),
        record(field("f", {"type": "fixed", "name": "F", "size": 8})),
        False,
    ),
}
