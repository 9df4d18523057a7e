"""What a schema registry keeps: subjects, their versions, schema ids and compatibility levels."""

from dataclasses import dataclass, field
from threading import RLock

from bridge.sandbox.engines.registry.avro_schema import AvroSchema, InvalidSchema, parse_schema
from bridge.sandbox.engines.registry.compatibility import LEVELS, violations


class RegistryError(Exception):
    """An answer of the registry that is not the one asked for: Confluent's error code and sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = code if code < 1000 else code // 100


@dataclass(slots=True)
class Version:
    """One version of a subject."""

    subject: str
    number: int
    schema_id: int
    schema: AvroSchema
    deleted: bool = False


@dataclass(slots=True)
class SubjectStore:
    """Subjects in memory; safe to use from several threads."""

    _versions: dict[str, list[Version]] = field(default_factory=dict)
    _ids: dict[bytes, int] = field(default_factory=dict)
    _levels: dict[str, str] = field(default_factory=dict)
    _level: str = "BACKWARD"
    _lock: RLock = field(default_factory=RLock)

    def subjects(self, *, deleted: bool = False) -> list[str]:
        """Names, sorted; with `deleted` also those deleted but not permanently."""
        return sorted(name for name, kept in self._versions.items() if deleted or _live(kept))

    def versions(self, subject: str, *, deleted: bool = False) -> list[Version]:
        """All versions, oldest first. Raises 40401 where there is none."""
        kept = self._versions.get(subject, [])
        found = [version for version in kept if deleted or not version.deleted]
        if not found:
            raise RegistryError(40401, f"Subject '{subject}' not found.")
        return found

    def version(self, subject: str, number: str, *, deleted: bool = False) -> Version:
        """One version, by its number or `latest`. Raises 40401, 40402, 42202."""
        found = self.versions(subject, deleted=deleted)
        wanted = _number(number)
        if wanted is None:
            return found[-1]
        for version in found:
            if version.number == wanted:
                return version
        raise RegistryError(40402, f"Version {number} not found.")

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema of an id. Raises 40403."""
        return self.uses(schema_id, deleted=True)[0].schema

    def uses(self, schema_id: int, *, deleted: bool = False) -> list[Version]:
        """The versions that have that id. Raises 40403 where no version has, not even a deleted one."""
        every = [version for kept in self._versions.values() for version in kept]
        found = [version for version in every if version.schema_id == schema_id]
        if not found:
            raise RegistryError(40403, f"Schema {schema_id} not found")
        return found if deleted else _live(found)

    def look_up(self, subject: str, text: str, *, deleted: bool = False) -> Version:
        """The version of the subject that has this schema. Raises 40401, 40403, 42201."""
        schema = _read(text)
        for version in reversed(self.versions(subject, deleted=deleted)):
            if version.schema.identity == schema.identity:
                return version
        raise RegistryError(40403, "Schema not found")

    def register(self, subject: str, text: str) -> int:
        """The id of the schema, as a new version where it is new. Raises 409, 42201."""
        schema = _read(text)
        with self._lock:
            kept = self._versions.get(subject, [])
            for version in _live(kept):
                if version.schema.identity == schema.identity:
                    return version.schema_id
            reasons = self._violations(subject, schema, _live(kept))
            if reasons:
                message = (
                    f'Schema being registered is incompatible with an earlier schema for subject "{subject}"'
                )
                raise RegistryError(409, f"{message}, details: {'; '.join(reasons)}")
            number = kept[-1].number + 1 if kept else 1
            schema_id = self._ids.setdefault(schema.identity, len(self._ids) + 1)
            self._versions[subject] = [*kept, Version(subject, number, schema_id, schema)]
            return schema_id

    def test(self, subject: str, text: str, number: str | None) -> list[str]:
        """What the schema breaks against one version, or (None) against those the level names.

        Raises 40401, 40402, 42201, 42202. A subject without versions breaks nothing.
        """
        schema = _read(text)
        found = _live(self._versions.get(subject, []))
        if number is not None and _number(number) is not None:
            found = [self.version(subject, number)]
        elif number is not None:
            found = found[-1:]
        return self._violations(subject, schema, found)

    def delete(self, subject: str, *, permanent: bool) -> list[int]:
        """Deletes the subject, and returns its versions. Raises 40401, 40404, 40405."""
        with self._lock:
            kept = self.versions(subject, deleted=True)
            live = _live(kept)
            if permanent:
                if live:
                    message = f"Subject '{subject}' was not deleted first before being permanently deleted"
                    raise RegistryError(40405, message)
                del self._versions[subject]
                self._levels.pop(subject, None)
            elif not live:
                raise RegistryError(
                    40404, f"Subject '{subject}' was soft deleted. Set permanent=true to delete it"
                )
            else:
                for version in live:
                    version.deleted = True
            return [version.number for version in (kept if permanent else live)]

    def level(self, subject: str | None = None, *, or_global: bool = True) -> str:
        """The compatibility of a subject, or (None) the global one. Raises 40408 where it has none."""
        own = self._levels.get(subject) if subject else self._level
        if own is None and not or_global:
            message = f"Subject '{subject}' does not have subject-level compatibility configured"
            raise RegistryError(40408, message)
        return own or self._level

    def set_level(self, level: str, subject: str | None = None) -> None:
        """Sets the compatibility of a subject, or (None) the global one. Raises 42203."""
        if level not in LEVELS:
            raise RegistryError(42203, f"Invalid compatibility level. Valid values are {', '.join(LEVELS)}")
        if subject is None:
            self._level = level
        else:
            self._levels[subject] = level

    def unset_level(self, subject: str) -> str:
        """Lets the subject follow the global level, and returns what it had. Raises 40408."""
        level = self.level(subject, or_global=False)
        del self._levels[subject]
        return level

    def _violations(self, subject: str, schema: AvroSchema, kept: list[Version]) -> list[str]:
        return violations(self.level(subject), schema, [version.schema for version in kept])


def _live(kept: list[Version]) -> list[Version]:
    return [version for version in kept if not version.deleted]


def _number(text: str) -> int | None:
    if text in ("latest", "-1"):
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 2**31 - 1:
        raise RegistryError(
            42202, f"The specified version '{text}' is not a valid version id. Give 1 to 2^31-1, or latest"
        )
    return int(text)


def _read(text: str) -> AvroSchema:
    try:
        return parse_schema(text)
    except InvalidSchema as error:
        raise RegistryError(42201, f"Invalid schema: {error}") from None
