"""A folder like avro/ with copies of some schemas to be changed, and the schema commands on it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from processors.schemas.command import command
from tests.schema_files import AVRO

Schema = dict[str, Any]
Fields = list[Schema]
Edit = Callable[[Schema], object]

EVENT = "events/grade_change.avsc"
METADATA = "types/EventMetadata.avsc"
FORMAT = "types/SourceFormat.avsc"
PROGRESS = "types/ModuleProgress.avsc"
ROLLUP = "rollups/course_progress.avsc"
UNKNOWN = "unknown.avsc"
TIME = {"type": "long", "logicalType": "timestamp-millis"}


@dataclass(frozen=True)
class Site:
    """A folder like avro/, with two events, and the commands on it."""

    avro: Path

    def edit(self, file: str, edit: Edit) -> None:
        schema = json.loads((self.avro / file).read_text("utf-8"))
        edit(schema)
        (self.avro / file).write_text(json.dumps(schema), "utf-8")

    def check(self) -> Result:
        return CliRunner().invoke(command, ["check", "--avro", str(self.avro)])

    def release(self, version: str) -> Result:
        return CliRunner().invoke(command, ["release", version, "--avro", str(self.avro)])

    def released(self, version: str) -> Any:
        return self._set(version)["schemas"]

    def write_release(self, version: str, schemas: Any) -> None:
        """A released set by hand, with the shared types of the first."""
        released = {**self._set("1.0.0"), "schemas": schemas}
        (self.avro / "released" / f"{version}.json").write_text(json.dumps(released), "utf-8")

    def _set(self, version: str) -> Any:
        return json.loads((self.avro / "released" / f"{version}.json").read_text("utf-8"))


def site_in(folder: Path) -> Site:
    """A site with the events grade_change and course_progress, and all that is no event."""
    avro = folder / "avro"
    for name in ("types", "rollups"):
        shutil.copytree(AVRO / name, avro / name)
    (avro / "events").mkdir()
    for file in (EVENT, "events/course_progress.avsc", UNKNOWN):
        shutil.copy(AVRO / file, avro / file)
    return Site(avro)


def body(schema: Schema) -> Fields:
    fields: Fields = next(field["type"]["fields"] for field in schema["fields"] if field["name"] == "body")
    return fields


def field(fields: Fields, name: str) -> Schema:
    return next(item for item in fields if item["name"] == name)


def drop(fields: Fields, name: str) -> None:
    fields.remove(field(fields, name))


def add(new: Schema, schema: Schema) -> None:
    body(schema).append(new)


def optional(name: str, kind: Any = "string") -> Schema:
    return {"name": name, "type": ["null", kind], "default": None, "doc": "New.", "pii": "none"}
