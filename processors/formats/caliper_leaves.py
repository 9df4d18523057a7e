"""What of a Caliper event no field claims, less what only repeats or names the vocabulary.

Caliper says many things twice: the ids of actor, member and assignee, the course as group and as
organization, the host as sensor and edApp. Repetitions are no drift; what is said nowhere else is kept.
"""

from collections.abc import Iterator, Mapping

from processors.caliper_rules import Path
from processors.records import Json, ValidEvent
from processors.values import SHARD, escape

EXTENSION = "com.instructure.canvas"
# Claimed by the conversion itself: identity, name and time of the event.
_CLAIMED = frozenset({("id",), ("type",), ("action",), ("eventTime",), ("@context",), ("membership", "id")})
# What Canvas always writes there says nothing; another value would.
_CONSTANTS = frozenset(
    {
        (("extensions", EXTENSION, "version"), "1.0.0"),
        (("edApp", "id"), "http://www.canvaslms.com/"),
        (("object", "name"), "Syllabus"),
    }
)
_IDS = frozenset({"id", "entity_id"})
# Parts that say the object, the actor and the group once more.
_ECHOES = frozenset({"generated", "membership"})


def unclaimed_leaves(event: ValidEvent, claimed: Mapping[Path, Json]) -> list[tuple[str, Json]]:
    """(JSON pointer into the payload, value) of every leaf that says something the record does not say."""
    said = _Said(claimed)
    result: list[tuple[str, Json]] = []
    for path, value in _leaves(event.document, ()):
        if said.claims(path) or path in _CLAIMED or (path, value) in _CONSTANTS or _is_vocabulary(path):
            continue
        if not said.repeats(path, value):
            result.append((event.pointer + _pointer(path), value))
    for key, value in event.envelope.items():
        if key != "dataVersion" and not said.claims(("", key)):
            result.append((_pointer((key,)), value))
    return result


class _Said:
    """What the record says already."""

    def __init__(self, claimed: Mapping[Path, Json]) -> None:
        self._claimed = claimed
        self._values = {_comparable(value) for value in claimed.values()}
        self._pairs = {(path[-1], _comparable(value)) for path, value in claimed.items()}

    def claims(self, path: Path) -> bool:
        """Whether a field took this leaf; a plain string stands for an entity of that id."""
        return path in self._claimed or (*path, "id") in self._claimed

    def repeats(self, path: Path, value: Json) -> bool:
        """Whether the record has this id anywhere, or the echo of a field under the same key."""
        value = _comparable(value)
        if path[-1] in _IDS:
            if value in self._values or _host(value) in self._values:
                return True
            self._values.add(value)
        return path[0] in _ECHOES and (path[-1], value) in self._pairs


def _leaves(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict) and value and not (len(value) == 1 and "numberStr" in value):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, str(index)))
    elif value not in (None, {}, []):
        yield path, value


def _is_vocabulary(path: Path) -> bool:
    """Class names (`Person`, `CourseSection`) of an entity; a `type` inside an extension is Canvas's own."""
    return path[-1] in ("type", "@context") and EXTENSION not in path


def _comparable(value: Json) -> Json:
    """An id without its URN and its shard; any other value as text."""
    text = str(value)
    if "://" not in text:
        text = text.rpartition(":")[2]
    return int(text) % SHARD if text.isascii() and text.isdigit() else text


def _host(value: Json) -> Json:
    return value.split("://", 1)[1].strip("/") if isinstance(value, str) and "://" in value else value


def _pointer(path: Path) -> str:
    return "".join(f"/{escape(segment)}" for segment in path)
