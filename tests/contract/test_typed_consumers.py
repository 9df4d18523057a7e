"""The exports of the whole catalogue: what a consumer's tools, and a stock deserializer, make of them."""

import importlib
import io
import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import fastavro
import pytest
import typing_extensions
from pydantic import TypeAdapter, ValidationError

from bridge.contract import RawEvent
from bridge.identity import event_id
from processors.catalogue import load_catalogue, schema_folder
from processors.exports.avro import PROTOCOL, AvroExport
from processors.exports.base import Material, generated_by, write
from processors.exports.named_types import flatten
from processors.exports.python import PythonExport
from processors.names import TopicNames
from tests.samples import PASSES, PIPELINE, RECEIVED_AT

MATERIAL = Material(load_catalogue(), TopicNames(), schema_folder())
PACKAGE = "canvas_records"
README = Path(__file__).parents[2] / "README.md"
WIRE_HEAD = 5  # magic byte and schema id

RIGHT = """
from datetime import datetime
from uuid import UUID
from canvas_records import EVENTS, TOPICS, CanvasEvent, GradeChange, UnknownEvent, rollups
from canvas_records.events.course_progress import CourseProgress, ModuleProgress
from canvas_records.shared import EventMetadata, SourceFormat

def score(event: CanvasEvent) -> float | None:
    if event["event_name"] == "grade_change":
        return event["body"]["score"]
    return None

def circumstances(event: CanvasEvent) -> tuple[UUID, datetime, str | None, SourceFormat]:
    metadata: EventMetadata = event["metadata"]
    return event["event_id"], event["event_time"], metadata["user_id"], event["source_format"]

def done(event: CourseProgress) -> int | None:
    progress: ModuleProgress | None = event["body"]["progress"]
    return progress["requirement_completed_count"] if progress else None

def window(record: rollups.CourseProgress) -> float | None:
    return record["percent"]

def text(event: UnknownEvent) -> str:
    return event["payload"]

known: bool = EVENTS["grade_change"] is GradeChange and TOPICS["canvas.grade_change"] is GradeChange
"""
WRONG = """
from canvas_records import CanvasEvent, GradeChange, rollups
def use(event: CanvasEvent, change: GradeChange, window: rollups.CourseProgress) -> None:
    change["body"]["scores"]  # wrong: typeddict-item
    score: float = change["body"]["score"]  # wrong: assignment
    change["source_format"] == "QTI"  # wrong: comparison-overlap
    event["event_time"].upper()  # wrong: attr-defined
    event["event_name"] == "grade_changed"  # wrong: comparison-overlap
    window["body"]  # wrong: typeddict-item
    if event["event_name"] == "logged_in":
        event["body"]["score"]  # wrong: typeddict-item
"""


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A consumer's project with the generated package in it."""
    folder = tmp_path_factory.mktemp("consumer")
    write("python", PythonExport().files(MATERIAL, folder / PACKAGE), folder / PACKAGE)
    return folder


@pytest.fixture(scope="module")
def package(consumer: Path) -> Iterator[ModuleType]:
    """The package imported. Before Python 3.12 pydantic wants the TypedDict of typing_extensions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(consumer))
        patch.setattr(typing, "TypedDict", typing_extensions.TypedDict)
        yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def type_check(consumer: Path, *what: str) -> tuple[int, str]:
    options = [
        "--strict",
        "--config-file=",
        "--python-version=3.11",
        "--enable-error-code=comparison-overlap",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *what],
        cwd=consumer,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def decoded(path: Path) -> Iterator[tuple[str, Any]]:
    """Topic and record of what the worker would write for a sample, read as any consumer reads it."""
    value = path.read_bytes()
    for outcome in PIPELINE.run(RawEvent(value, event_id(value).encode(), (), RECEIVED_AT)):
        topic, written = outcome.outgoing.topic, outcome.outgoing.value
        assert written is not None
        schema = MATERIAL.by_topic[topic].parsed
        yield topic, fastavro.schemaless_reader(io.BytesIO(written[WIRE_HEAD:]), schema, None)


def test_the_package_and_its_right_use_pass_a_strict_type_checker(consumer: Path) -> None:
    (consumer / "right.py").write_text(RIGHT, "utf-8")
    of_the_readme = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
    (example,) = [block for block in of_the_readme if "CanvasEvent" in block]
    (consumer / "example.py").write_text(example.replace("canvas_events", PACKAGE), "utf-8")
    status, says = type_check(consumer, PACKAGE, "right.py", "example.py")
    assert status == 0, says


def test_a_wrong_field_name_or_type_is_found(consumer: Path) -> None:
    (consumer / "wrong.py").write_text(WRONG, "utf-8")
    status, says = type_check(consumer, "wrong.py")
    assert status == 1, says
    found = {
        (int(line), code) for line, code in re.findall(r"^wrong\.py:(\d+): error: .*\[(.*)\]$", says, re.M)
    }
    assert found == {
        (number, line.partition("# wrong: ")[2])
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "# wrong: " in line
    }


@pytest.mark.parametrize("path", PASSES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_consumer_reads_is_what_the_types_say(path: Path, package: ModuleType) -> None:
    for topic, record in decoded(path):
        kind = package.TOPICS[topic]
        TypeAdapter(kind).validate_python(record, strict=True, extra="forbid")
        if topic != MATERIAL.names.unknown:
            assert package.EVENTS[record["event_name"]] is kind


def test_a_record_with_another_type_is_not_what_the_types_say(package: ModuleType) -> None:
    ((topic, record),) = decoded(next(path for path in PASSES if path.parent.name == "grade_change"))
    check = TypeAdapter(package.TOPICS[topic])
    for wrong in (
        {**record, "event_id": str(record["event_id"])},
        {**record, "event_name": "grade_changed"},
        {**record, "event_time": 0},
        {**record, "body": {**record["body"], "score": "9"}},
        {**record, "body": {**record["body"], "marks": 9.0}},
        {name: value for name, value in record.items() if name != "extra"},
    ):
        with pytest.raises(ValidationError):
            check.validate_python(wrong, strict=True, extra="forbid")


def test_every_topic_and_event_has_a_type(package: ModuleType) -> None:
    assert list(package.TOPICS) == list(MATERIAL.by_topic)
    assert list(package.EVENTS) == list(MATERIAL.catalogue.events)
    assert set(typing.get_args(package.CanvasEvent)) == set(package.EVENTS.values())
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_types_tell_what_the_schemas_tell(package: ModuleType, consumer: Path) -> None:
    assert (
        package.GradeChange.__doc__.split() == MATERIAL.catalogue.events["grade_change"].schema["doc"].split()
    )
    for path in consumer.glob(f"{PACKAGE}/**/*.py"):
        assert path.read_text("utf-8").startswith(f"# {generated_by()}\n")


def avro_files() -> tuple[dict[str, Any], Any]:
    """The schema per topic, and the protocol."""
    files = {name: json.loads(text) for name, text in AvroExport().files(MATERIAL, Path("anywhere")).items()}
    protocol = files.pop(PROTOCOL)
    return {name.removesuffix(".avsc"): schema for name, schema in files.items()}, protocol


def test_an_avro_file_is_what_the_registry_gets() -> None:
    schemas, _ = avro_files()
    assert schemas == {topic: event_type.registered for topic, event_type in MATERIAL.by_topic.items()}


def test_the_protocol_has_every_type_of_the_schemas_once() -> None:
    schemas, protocol = avro_files()
    known: dict[str, Any] = {}
    for definition in protocol["types"]:
        assert definition["name"] not in known
        fastavro.parse_schema(definition, named_schemas=known)
    for schema in schemas.values():
        found: dict[str, Any] = {}
        flatten(fastavro.parse_schema(schema), found)
        for name, definition in found.items():
            flat: dict[str, Any] = {}
            flatten(known[name], flat)
            assert flat[name] == definition, f"{name} is not the same in every schema"
