"""What of a Caliper event no field claims, less what only repeats or names the vocabulary.

Caliper says many things twice: the ids of actor, member and assignee, the course as group and as
organization, the host as sensor and edApp. Repetitions are no drift; what is said nowhere else is kept.
"""

from collections.abc import Iterator, Mapping

from processors.caliper_rules import Path, resolve
from processors.records import Json, ValidEvent
from processors.values import SHARD, escape

EXTENSION = "com.instructure.canvas"
# Claimed by the conversion itself: identity, name and time of the event.
_CLAIMED = frozenset({("id",), ("type",), ("action",), ("eventTime",), ("@context",), ("membership", "id")})
# What Canvas always writes there says nothing; another value would.
_CONSTANTS: Mapping[Path, Json] = {
    ("extensions", EXTENSION, "version"): "1.0.0",
    ("edApp", "id"): "http://www.canvaslms.com/",
    ("actor", "id"): "http://www.canvaslms.com/",
    ("object", "name"): "Syllabus",
}
_IDS = frozenset({"id", "entity_id"})
# Parts that say the object, the actor and the group once more.
_ECHOES = frozenset({"generated", "membership"})
# The name of an accessed asset is its subtype or type once more.
_NAMES_OF_ASSETS = ("asset_subtype", "asset_type")


def unclaimed_leaves(event: ValidEvent, claimed: Mapping[Path, Json]) -> list[tuple[str, Json]]:
    """(JSON pointer into the payload, value) of every leaf that says something the record does not say."""
    said = _Said(event.document, claimed)
    result: list[tuple[str, Json]] = []
    for path, value in _leaves(event.document, (), claimed):
        if said.claims(path) or path in _CLAIMED or _CONSTANTS.get(path) == value or _is_vocabulary(path):
            continue
        if not said.repeats(path, value):
            result.append((event.pointer + _pointer(path), value))
    for key, value in event.envelope.items():
        if key != "dataVersion" and not said.claims(("", key)):
            result.append((_pointer((key,)), value))
    return result


class _Said:
    """What the record says already."""

    def __init__(self, document: Json, claimed: Mapping[Path, Json]) -> None:
        self._claimed = claimed
        self._ids = {form for value in claimed.values() for form in _forms(value)}
        # An entity_id stands beside the URN of the same entity, which tells its kind.
        for path, value in claimed.items():
            urn = resolve(document, (*path[:-3], "id")) if path[-1] == "entity_id" else None
            if urn is not None and _forms(urn)[-1] == _forms(value)[-1]:
                self._ids.update(_forms(urn))
        self._pairs = {(path[-1], str(value)) for path, value in claimed.items()}

    def claims(self, path: Path) -> bool:
        """Whether a field took this leaf; a plain string stands for an entity of that id."""
        return path in self._claimed or (*path, "id") in self._claimed

    def repeats(self, path: Path, value: Json) -> bool:
        """Whether the record has this id anywhere, or the echo of a field under the same key."""
        if path[-1] in _IDS:
            if _forms(value)[0] in self._ids:
                return True
            self._ids.update(_forms(value))
        if path == ("object", "name"):
            return any((key, str(value)) in self._pairs for key in _NAMES_OF_ASSETS)
        return path[0] in _ECHOES and (path[-1], str(value)) in self._pairs


def _leaves(value: Json, path: Path, claimed: Mapping[Path, Json]) -> Iterator[tuple[Path, Json]]:
    """The leaves. A list is one leaf, but where a field claims a part of it or it holds a few entities.

    What a field claims whole is one leaf too: its parts are in the field.
    """
    if path in claimed:
        yield path, value
    elif isinstance(value, dict) and value and not (len(value) == 1 and "numberStr" in value):
        for key, child in value.items():
            yield from _leaves(child, (*path, key), claimed)
    elif isinstance(value, list) and (
        _few_entities(value) or any(known[: len(path)] == path for known in claimed)
    ):
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, str(index)), claimed)
    elif value not in (None, {}, []):
        yield path, value


def _few_entities(value: list[Json]) -> bool:
    return 0 < len(value) <= 8 and all(isinstance(child, dict) for child in value)


def _is_vocabulary(path: Path) -> bool:
    """Class names (`Person`, `CourseSection`) of an entity; a `type` inside an extension is Canvas's own."""
    return path[-1] in ("type", "@context") and EXTENSION not in path


def _forms(value: Json) -> tuple[Json, ...]:
    """An id as it may be repeated, the most telling form first.

    A URN: its kind and its id without the shard, or that id alone. A URL: its host too, as hostname.
    """
    text = str(value)
    if "://" in text:
        return text, text.split("://", 1)[1].strip("/")
    kind, _, tail = text.rpartition(":")
    number: Json = int(tail) % SHARD if tail.isascii() and tail.isdigit() else tail
    return ((kind, number), number) if kind else (number,)


def _pointer(path: Path) -> str:
    return "".join(f"/{escape(segment)}" for segment in path)
