"""From an Avro record schema to the readers of its fields."""

from collections.abc import Mapping
from typing import Any

from processors.values import (
    Reader,
    array_reader,
    read_boolean,
    read_date,
    read_double,
    read_id,
    read_long,
    read_map,
    read_string,
    read_time,
    record_reader,
)

_READERS: Mapping[str, Reader] = {
    "string": read_string,
    "double": read_double,
    "long": read_long,
    "boolean": read_boolean,
    "timestamp-millis": read_time,
    "date": read_date,
    "map": read_map,
}


def field_readers(record: Mapping[str, Any]) -> Mapping[str, Reader]:
    """One reader per field of a record schema. Raises ValueError for a type no reader reads."""
    return {
        field["name"]: _reader(field["type"], is_id=field.get("id") == "canvas") for field in record["fields"]
    }


def _reader(schema: Any, *, is_id: bool) -> Reader:
    if isinstance(schema, list):
        branches = [branch for branch in schema if branch != "null"]
        if len(branches) != 1:
            raise ValueError(f"a union must be null and one type: {schema}")
        return _reader(branches[0], is_id=is_id)
    if isinstance(schema, str):
        return read_id if is_id and schema == "string" else _known(schema)
    kind = schema["type"]
    if kind == "array":
        return array_reader(_reader(schema["items"], is_id=is_id))
    if kind == "map" and schema["values"] != "string":
        raise ValueError(f"a map must have values of string: {schema}")
    if kind == "record":
        return record_reader(field_readers(schema))
    return _known(schema.get("logicalType", kind))


def _known(kind: str) -> Reader:
    if kind not in _READERS:
        raise ValueError(
            f"no reader for the Avro type {kind}; there are {', '.join(_READERS)}, array, record"
        )
    return _READERS[kind]
