"""The shape of JSON values: which types one place was seen to have, in bounded memory and without a value."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from processors.records import Json
from processors.values import Misfit, Notes, Reader, read_date, read_double, read_long, read_time

_MOST_PLACES: Final = 200
_DEEPEST: Final = 6


class Kind(StrEnum):
    """What a JSON value is; times and dates are told from other texts."""

    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    NUMBER_OBJECT = "number object"  # Caliper's {"numberStr": "9.5"}
    TIME = "time"
    DATE = "date"
    STRING = "string"
    LIST = "list"
    OBJECT = "object"


@dataclass(slots=True)
class _Room:
    """How many more places a shape and all below it may hold together."""

    left: int = _MOST_PLACES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class Shape:
    """What was seen at one place of a payload.

    `digits`: every value so far was an id of digits, bare, as text or in a URN. `keys`: the shapes below an
    object. `items`: the shape of what stood in lists. `is_open`: there was more below than the 200 places and
    6 levels that a shape holds.
    """

    kinds: set[Kind] = field(default_factory=set)
    digits: bool = True
    keys: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    is_open: bool = False
    _room: _Room = field(default_factory=_Room, repr=False, compare=False)

    def add(self, value: Json, depth: int = 0) -> None:
        """Takes one more value in."""
        kind = kind_of(value)
        self.kinds.add(kind)
        self.digits = self.digits and _is_digits(value)
        if kind in (Kind.OBJECT, Kind.LIST) and depth >= _DEEPEST:
            self.is_open = True
        elif kind is Kind.OBJECT:
            for key, item in value.items():
                below = self._key(key) if item is not None else None
                if below:
                    below.add(item, depth + 1)
        elif kind is Kind.LIST:
            items = self._items()
            for item in value:
                if items:
                    items.add(item, depth + 1)

    def merge(self, other: "Shape") -> Self:
        """Takes in everything the other has seen."""
        self.kinds |= other.kinds
        self.digits = self.digits and other.digits
        self.is_open = self.is_open or other.is_open
        for key, shape in other.keys.items():
            below = self._key(key)
            if below:
                below.merge(shape)
        items = self._items() if other.items else None
        if other.items and items:
            items.merge(other.items)
        return self

    def _key(self, key: str) -> "Shape | None":
        if key not in self.keys and self._has_room():
            self.keys[key] = Shape(_room=self._room)
        return self.keys.get(key)

    def _items(self) -> "Shape | None":
        if self.items is None and self._has_room():
            self.items = Shape(_room=self._room)
        return self.items

    def _has_room(self) -> bool:
        has = self._room.take()
        self.is_open = self.is_open or not has
        return has


def shape_of(values: Iterable[Json]) -> Shape:
    """The shape of all the values."""
    shape = Shape()
    for value in values:
        shape.add(value)
    return shape


def kind_of(value: Json) -> Kind:
    """The kind of one value. An integer that Avro's long cannot hold is a number."""
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, str):
        return _kind_of_text(value)
    if isinstance(value, int | float):
        return Kind.INTEGER if isinstance(value, int) and _reads(read_long, value) else Kind.NUMBER
    if isinstance(value, list):
        return Kind.LIST
    return Kind.NUMBER_OBJECT if _reads(read_double, value) else Kind.OBJECT


def _kind_of_text(text: str) -> Kind:
    if _reads(read_time, text):
        return Kind.TIME
    return Kind.DATE if _reads(read_date, text) else Kind.STRING


def _reads(reader: Reader, value: Json) -> bool:
    try:
        reader(value, "", Notes())
    except Misfit:
        return False
    return True


def _is_digits(value: Json) -> bool:
    text = str(value)
    tail = text.rpartition(":")[2] if text.startswith("urn:") else text
    return isinstance(value, str | int) and tail.isascii() and tail.isdigit()
