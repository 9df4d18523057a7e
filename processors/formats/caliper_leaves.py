"""What of a Caliper event no field claims, less what only repeats or names the vocabulary.

Caliper says many things twice: the ids of actor, member and assignee, the course as group and as
organization, the host as sensor and edApp. Repetitions are no drift; what is said nowhere else is kept.
"""

from collections.abc import Iterator, Mapping

from processors.caliper_rules import Path
from processors.records import Json, ValidEvent
from processors.values import SHARD, escape

EXTENSION = "com.instructure.canvas"
# Claimed by the conversion itself: identity, name and time of the event, and constants of Caliper 1.1.
_CLAIMED = frozenset({("id",), ("type",), ("action",), ("eventTime",), ("@context",), ("membership", "id")})
_CONSTANTS = frozenset({(("extensions", EXTENSION, "version"), "1.0.0")})
_IDS = frozenset({"id", "entity_id"})


def unclaimed_leaves(event: ValidEvent, claimed: Mapping[Path, Json]) -> list[tuple[str, Json]]:
    """(JSON pointer into the payload, value) of every leaf that says something the record does not say."""
    said = {_comparable(value) for value in claimed.values()}
    result: list[tuple[str, Json]] = []
    for path, value in _leaves(event.document, ()):
        if path in claimed or path in _CLAIMED or (path, value) in _CONSTANTS or _is_vocabulary(path):
            continue
        if path[-1] in _IDS:
            if _comparable(value) in said or _is_host(value, said):
                continue
            said.add(_comparable(value))
        result.append((event.pointer + _pointer(path), value))
    result.extend(_of_envelope(event, claimed, said))
    return result


def _of_envelope(
    event: ValidEvent, claimed: Mapping[Path, Json], said: set[Json]
) -> Iterator[tuple[str, Json]]:
    for key, value in event.envelope.items():
        is_known = key == "dataVersion" or ("", key) in claimed or (key == "sensor" and _is_host(value, said))
        if not is_known:
            yield _pointer((key,)), value


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
    """An id without its URN, and without its shard."""
    text = str(value).rpartition(":")[2] if "://" not in str(value) else str(value)
    return int(text) % SHARD if text.isascii() and text.isdigit() else text


def _is_host(value: Json, said: set[Json]) -> bool:
    return isinstance(value, str) and "://" in value and value.split("://", 1)[1].strip("/") in said


def _pointer(path: Path) -> str:
    return "".join(f"/{escape(segment)}" for segment in path)
