"""A canonical record as plain JSON for people and tests: times as ISO 8601, the rest as it is."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from bridge.contract import iso_time


def plain_json(schema: Any, value: Any) -> Any:
    """The value as JSON shows it. Times: `2026-03-01T09:30:00.000Z`; dates: `2026-03-01`."""
    if value is None or isinstance(schema, str):
        return value
    if isinstance(schema, list):
        return plain_json(next(branch for branch in schema if branch != "null"), value)
    show = _SHOW.get(schema.get("logicalType", schema["type"]))
    return show(schema, value) if show else value


def _record(schema: Any, value: Any) -> dict[str, Any]:
    return {field["name"]: plain_json(field["type"], value.get(field["name"])) for field in schema["fields"]}


def _array(schema: Any, value: Any) -> list[Any]:
    return [plain_json(schema["items"], item) for item in value]


_SHOW: Mapping[str, Callable[[Any, Any], Any]] = {
    "record": _record,
    "array": _array,
    "timestamp-millis": lambda _, value: iso_time(value),
    "date": lambda _, value: (date(1970, 1, 1) + timedelta(days=value)).isoformat(),
}
