"""--avro: what the registry has, as files for code generators of other languages."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import fastavro

from processors.exports.base import Material
from processors.exports.named_types import flatten

PROTOCOL: Final = "canvasbridge.avpr"


class AvroExport:
    """A self-contained schema per topic, without our attributes, and all types once in an Avro protocol.

    The protocol is for generators that take no type from two files, as Avro 1.12.0 for Java.
    """

    about = "Avro schemas, a self-contained .avsc per topic, and all of them in an .avpr."

    def files(self, material: Material, folder: Path) -> Mapping[str, str]:
        """`<topic>.avsc` -> schema, and the protocol."""
        schemas = {topic: event_type.registered for topic, event_type in material.by_topic.items()}
        return {
            **{f"{topic}.avsc": _text(schema) for topic, schema in schemas.items()},
            PROTOCOL: _text(_protocol(schemas)),
        }


def _protocol(schemas: Mapping[str, Any]) -> dict[str, Any]:
    types: dict[str, Any] = {}
    for schema in schemas.values():
        flatten(fastavro.parse_schema(schema), types)
    return {
        "protocol": "CanvasBridge",
        "namespace": "canvasbridge",
        "doc": "The records of all topics of canvas-bridge; there are no messages.",
        "types": [*types.values()],
        "messages": {},
    }


def _text(schema: Any) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
