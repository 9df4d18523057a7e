"""The named types of a schema, each with its definition."""

from typing import Any

Schema = Any


def flatten(schema: Schema, found: dict[str, Schema]) -> Schema:
    """The type with its full name for every named type in it, whose definitions `found` gets, inner first.

    The schema is as fastavro parses it.
    """
    if isinstance(schema, list):
        return [flatten(branch, found) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    flat = {key: flatten(schema[key], found) for key in ("items", "values") if key in schema}
    if "fields" in schema:
        flat["fields"] = [{**field, "type": flatten(field["type"], found)} for field in schema["fields"]]
    kept = {key: value for key, value in schema.items() if not key.startswith("__")}
    if "name" not in schema:
        return {**kept, **flat}
    found[schema["name"]] = {**kept, **flat}
    return schema["name"]


def simple(full_name: str) -> str:
    """The name of a type without its namespace."""
    return full_name.rpartition(".")[2]
