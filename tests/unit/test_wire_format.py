"""Values in the registry's wire format: read by the schema they were written with."""

from typing import Any, cast

import fastavro
import pytest

from processors.registry import AvroSchema, Registered, Registry, RegistryError
from processors.wire_format import Decoder, Unreadable, encode

OLD: AvroSchema = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
}
NEW: AvroSchema = OLD | {
    "fields": [
        *OLD["fields"],
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}, "default": ""},
    ]
}
UUID = "11111111-1111-8111-8111-111111111111"


class Shelf:
    """Stands for a registry with these schemas by id."""

    def __init__(self, **schemas: AvroSchema) -> None:
        self.schemas = {int(name[1:]): schema for name, schema in schemas.items()}
        self.asked = 0

    def versions(self, name: str) -> dict[int, AvroSchema]:
        assert name == "t-value"
        self.asked += 1
        return dict(enumerate(self.schemas.values(), 1))

    def look_up(self, _: str, schema: AvroSchema) -> Registered | None:
        return next(
            (Registered(number, 1) for number, known in self.schemas.items() if known == schema), None
        )


def decoder(shelf: Shelf) -> Decoder:
    return Decoder(cast("Registry", shelf), "t-value")


def value(schema_id: int, schema: AvroSchema, record: dict[str, Any]) -> bytes:
    return encode(schema_id, fastavro.parse_schema(schema), record)


def test_each_value_is_read_by_its_own_schema_with_plain_times_and_ids() -> None:
    shelf = Shelf(_3=OLD, _9=NEW)
    reader = decoder(shelf)
    assert reader.decode(value(3, OLD, {"time": 5})) == {"time": 5}
    assert reader.decode(value(9, NEW, {"time": 6, "id": UUID})) == {"time": 6, "id": UUID}
    assert shelf.asked == 1


def test_a_schema_that_is_registered_later_is_found() -> None:
    shelf = Shelf(_3=OLD)
    reader = decoder(shelf)
    reader.decode(value(3, OLD, {"time": 5}))
    shelf.schemas[9] = NEW
    assert reader.decode(value(9, NEW, {"time": 6, "id": UUID}))["id"] == UUID


def test_a_schema_the_registry_does_not_have_is_not_the_records_fault() -> None:
    with pytest.raises(RegistryError, match="no schema 9 under t-value"):
        decoder(Shelf(_3=OLD)).decode(value(9, NEW, {"time": 6, "id": UUID}))


@pytest.mark.parametrize(
    "bad", [None, b"", b"{}", b"\0\0\0\0\x03", b"\x01\0\0\0\x03\x0a", b"\0\0\0\0\x03\xff"]
)
def test_what_is_not_in_the_wire_format_is_unreadable(bad: bytes | None) -> None:
    with pytest.raises(Unreadable, match="t-value"):
        decoder(Shelf(_3=OLD)).decode(bad)


def test_of_what_makes_a_value_unreadable_only_the_type_is_told() -> None:
    bad = value(9, NEW, {"time": 6, "id": UUID}).replace(b"1", b"\xff")
    with pytest.raises(Unreadable) as unreadable:
        decoder(Shelf(_9=NEW)).decode(bad)
    assert str(unreadable.value) == "t-value: no Avro of schema 9 (UnicodeDecodeError)"
