"""What a value looks like, without the value."""

from typing import Final

from processors.drift.pointers import CUT, open_key
from processors.drift.shapes import kind_of
from processors.records import Json

_LONGEST: Final = 24
_MOST_KEYS: Final = 6


def mask(value: Json) -> str:
    """`Ada-12` as `Aaa-99`, a number likewise, an object as its keys, a list as what it begins with.

    Of true and false nothing is left.
    """
    if isinstance(value, dict):
        keys = [open_key(key) for key in list(value)[:_MOST_KEYS]]
        return "{" + ", ".join(dict.fromkeys(keys)) + (f", {CUT}" if len(value) > _MOST_KEYS else "") + "}"
    if isinstance(value, list):
        first = mask(value[0]) if value and isinstance(value[0], dict) else "".join(map(kind_of, value[:1]))
        return f"[{first}]"
    if value is None or isinstance(value, bool):
        return ""
    text = str(value)
    return "".join(map(_mask_character, text[:_LONGEST])) + (CUT if len(text) > _LONGEST else "")


def _mask_character(character: str) -> str:
    if character.isalpha():
        return "A" if character.isupper() else "a"
    if character.isnumeric():
        return "9"
    return character if character.isascii() and character.isprintable() else "?"
