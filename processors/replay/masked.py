"""A whole payload or record without its values: what has which form, and where."""

from typing import Final

from processors.drift.masking import mask
from processors.drift.pointers import CUT, open_key
from processors.drift.shapes import kind_of
from processors.records import Json

_MOST_ITEMS: Final = 20
_DEEPEST: Final = 12


def masked(value: Json, depth: int = 0) -> Json:
    """The same with `Aaa-99` for `Ada-12`, `(boolean)` for true and false, `*` for keys that are values.

    Null stays null. Of a list the first 20 items are given.
    """
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return CUT
    if isinstance(value, dict):
        return {open_key(key): masked(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        items = [masked(item, depth + 1) for item in value[:_MOST_ITEMS]]
        return items if len(value) <= _MOST_ITEMS else [*items, CUT]
    if isinstance(value, bool):
        return f"({kind_of(value)})"
    return None if value is None else mask(value)
