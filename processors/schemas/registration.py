"""Registers schemas: first a look at every subject, then, where nothing is refused, the writing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from processors.names import subject
from processors.registry import AvroSchema, Incompatible, Registry, RegistryError
from processors.schemas.compatibility import breaks

LEVEL: Final = "FULL_TRANSITIVE"

Track = Callable[
    [Sequence[Any], str], Iterable[Any]
]  # shows how far the steps are; the text says what they do


class Change(StrEnum):
    """What registering does, or would do, to a subject."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """One subject. `id` and `version` are None where the schema is not (yet) registered.

    `level`: the compatibility that governs the subject; `written`: whether the registry was changed;
    `reason`: why it was refused.
    """

    subject: str
    change: Change
    id: int | None = None
    version: int | None = None
    level: str = LEVEL
    written: bool = False
    reason: str = ""


class RegistrationStopped(RegistryError):
    """The registry failed in the middle. `results`: what was done, and what was not (`written` False)."""

    def __init__(self, cause: RegistryError, results: list[SubjectResult]) -> None:
        super().__init__(str(cause))
        self.results = results


def register_all(
    registry: Registry,
    schemas: Mapping[str, AvroSchema],
    *,
    dry_run: bool = False,
    track: Track = lambda steps, _: steps,
) -> list[SubjectResult]:
    """Brings every topic's schema (topic -> Avro schema) under its subject; once done, does nothing more.

    All or nothing as far as can be foreseen: where one schema is refused, none is written. A subject with a
    level of its own, other than the registry's default, keeps it; every other one gets LEVEL. Raises
    RegistryError where the registry cannot be used, RegistrationStopped where it fails amid the writing.
    """
    default = registry.level()
    by_subject = {subject(topic): schema for topic, schema in schemas.items()}
    steps = [
        _plan(registry, name, by_subject[name], default) for name in track(list(by_subject), "Looking up")
    ]
    planned = [step.result for step in steps]
    if dry_run or any(result.change is Change.REFUSED for result in planned):
        return planned
    done: list[SubjectResult] = []
    try:
        for step in track(steps, "Registering"):
            done.append(_carry_out(registry, step, by_subject[step.result.subject]))  # noqa: PERF401
    except RegistryError as error:
        raise RegistrationStopped(error, done + planned[len(done) :]) from error
    return done


@dataclass(frozen=True, slots=True)
class _Step:
    result: SubjectResult
    sets_level: bool


def _plan(registry: Registry, name: str, schema: AvroSchema, default: str | None) -> _Step:
    own = registry.level(name)
    level = LEVEL if own in (None, default) else str(own)
    registered = registry.look_up(name, schema)
    if registered:
        result = SubjectResult(name, Change.UNCHANGED, registered.id, registered.version, level)
    else:
        result = _judge(registry, SubjectResult(name, Change.CHANGED, level=level), schema, own)
    return _Step(result, sets_level=own != level)


def _judge(registry: Registry, planned: SubjectResult, schema: AvroSchema, own: str | None) -> SubjectResult:
    versions = registry.versions(planned.subject)
    if not versions:
        return replace(planned, change=Change.NEW)
    found = _breaks(versions, schema)
    # Where the subject is still to get its level, the registry would judge by the wrong one.
    fits = registry.accepts(planned.subject, schema) if own == planned.level else not found
    if fits:
        return planned
    reason = "\n".join(found) or "the registry finds it incompatible and does not say why"
    return replace(planned, change=Change.REFUSED, reason=reason)


def _carry_out(registry: Registry, step: _Step, schema: AvroSchema) -> SubjectResult:
    planned = step.result
    if step.sets_level:
        registry.set_level(planned.subject, planned.level)
    if planned.change is Change.UNCHANGED:
        return replace(planned, written=step.sets_level)
    try:
        registered = registry.register(planned.subject, schema)
    except Incompatible as refusal:
        reason = "\n".join(_breaks(registry.versions(planned.subject), schema)) or str(refusal)
        return replace(planned, change=Change.REFUSED, written=step.sets_level, reason=reason)
    return replace(planned, id=registered.id, version=registered.version, written=True)


def _breaks(versions: Mapping[int, AvroSchema], schema: AvroSchema) -> list[str]:
    """Each break once, with the newest version it concerns."""
    found: dict[str, str] = {}
    for number in sorted(versions, reverse=True):
        for item in breaks(versions[number], schema):
            found.setdefault(str(item), f"{item.field} {item.cause} (version {number}): {item.remedy}")
    return list(found.values())
