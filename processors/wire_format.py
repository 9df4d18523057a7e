"""The Confluent wire format: a zero byte, the schema's id in the registry (four bytes), Avro."""

import io
from collections.abc import Mapping
from typing import Any, Final

import fastavro

from processors.registry import AvroSchema, Registry, RegistryError

_MAGIC: Final = 0
_HEAD: Final = 5


class Unreadable(Exception):
    """A value that is not Avro in the wire format, or not of the schema it names."""


def encode(schema_id: int, parsed: Any, record: Mapping[str, Any]) -> bytes:
    """One value. `parsed`: the schema as fastavro parsed it."""
    buffer = io.BytesIO()
    buffer.write(bytes((_MAGIC,)) + schema_id.to_bytes(4, "big"))
    fastavro.schemaless_writer(buffer, parsed, record)
    return buffer.getvalue()


class Decoder:
    """Reads the values of one subject, each by the schema it was written with.

    Logical types are left out: times are integers, ids are text. Blocking where a schema is not known yet.
    """

    def __init__(self, registry: Registry, subject: str) -> None:
        self._registry = registry
        self._subject = subject
        self._schemas: dict[int, Any] = {}

    def decode(self, value: bytes | None) -> Mapping[str, Any]:
        """The record. Raises Unreadable, and RegistryError where the registry does not give the schema."""
        if value is None or len(value) <= _HEAD or value[0] != _MAGIC:
            raise Unreadable(f"{self._subject}: not in the wire format of the schema registry")
        schema_id = int.from_bytes(value[1:_HEAD], "big")
        if schema_id not in self._schemas:
            self._look_up()
        if schema_id not in self._schemas:
            raise RegistryError(
                f"the schema registry has no schema {schema_id} under {self._subject}, but a record says so: "
                "restore it, or delete what was written with it"
            )
        try:
            record: Any = fastavro.schemaless_reader(
                io.BytesIO(value[_HEAD:]), self._schemas[schema_id], None
            )
        except (EOFError, ValueError, IndexError, KeyError, TypeError) as error:
            cause = type(error).__name__  # its message may quote the value
            raise Unreadable(f"{self._subject}: no Avro of schema {schema_id} ({cause})") from None
        if not isinstance(record, dict):
            raise Unreadable(f"{self._subject}: no record")
        return record

    def _look_up(self) -> None:
        for schema in self._registry.versions(self._subject).values():
            registered = self._registry.look_up(self._subject, schema)
            if registered is not None:
                self._schemas[registered.id] = fastavro.parse_schema(_plain(schema))


def _plain(schema: AvroSchema) -> AvroSchema:
    plain: AvroSchema = _without_logical_types(schema)
    return plain


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value if key in ("default", "doc") else _without_logical_types(value)
            for key, value in schema.items()
            if key != "logicalType"
        }
    if isinstance(schema, list):
        return [_without_logical_types(item) for item in schema]
    return schema
