"""The laws of avro/ (avro/README.md): they hold for every schema, also for one that is added tomorrow."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import fastavro
import pytest

from tests.schema_files import (
    EVENTS,
    FILES,
    NAMESPACE,
    TYPES,
    Schema,
    avro_type,
    body,
    branches,
    caliper_pointers,
    field_at,
    fields,
    leaves,
    parse,
    read,
)

Match = Mapping[str, list[str | None]]

HEAD = ["event_id", "event_name", "event_time", "received_at", "source_format"]
ENVELOPE = [*HEAD, "metadata", "body", "extra", "truncated"]
PAIRS = [
    (created, updated)
    for created, updated in combinations(EVENTS, 2)
    if created.stem == updated.stem.removesuffix("updated") + "created"
]
PII = {"direct", "indirect", "free_text", "none"}

POINTER = re.compile(r"(/([^~/]|~[01])+)+")
TIME_NAME = re.compile(r"_(at|(?<!_a_)time|until)$")  # not one_question_at_a_time
ID_NAME = re.compile(r"(^|_)(id|ids|uuid|guid)(_|$)")
DIRECT_NAME = re.compile(r"(^|_)(email|login|user_name|short_name|client_ip)$|(user|student)_sis_id$")
PERSON_NAME = re.compile(r"(^|_)(user|student|grader)_(id|uuid)$")
TEXT_NAME = re.compile(r"(^|_)(body|text|description|title|display_name|filename)$")


def name(path: Path) -> str:
    return path.stem


each_file = pytest.mark.parametrize("path", FILES, ids=name)
each_event = pytest.mark.parametrize("path", EVENTS, ids=name)


def record_name(event_name: str) -> str:
    """The PascalCase of an event name, which is words between `_`, `.` and `-`."""
    return "".join(word.capitalize() for word in re.split(r"[_.-]", event_name))


def defined_names(schema: Any) -> Iterator[str]:
    """The names of the types that a schema's own file defines, at any depth."""
    for branch in branches(schema):
        if isinstance(branch, dict):
            if "name" in branch:
                yield branch["name"]
            for field in branch.get("fields", []):
                yield from defined_names(field["type"])
            yield from defined_names(branch.get("items"))


def can_tie(one: Match, other: Match) -> bool:
    """Whether one Caliper event could fit both, with the same number of conditions."""
    apart = any(set(one[pointer]).isdisjoint(other[pointer]) for pointer in one.keys() & other.keys())
    return len(one) == len(other) and not apart


@each_file
def test_is_avro(path: Path) -> None:
    assert parse(read(path))["name"] == f"{NAMESPACE}.{read(path)['name']}"


@each_event
def test_record_without_any_detail_is_written_and_read_back(path: Path) -> None:
    schema, buffer = parse(read(path)), io.BytesIO()
    head = {"event_id": "0" * 32, "event_name": path.stem, "source_format": "CALIPER"}
    times = dict.fromkeys(("event_time", "received_at"), 0)
    fastavro.schemaless_writer(buffer, schema, {**head, **times, "metadata": {}, "body": {}})
    buffer.seek(0)
    record: Any = fastavro.schemaless_reader(buffer, schema, None)
    assert list(record) == ENVELOPE
    assert (record["extra"], record["truncated"]) == ({}, [])
    assert set(record["metadata"].values()) == {None}
    assert set(record["body"].values()) <= {None}


@each_event
def test_names_follow_the_event_name(path: Path) -> None:
    schema = read(path)
    assert schema["name"] == record_name(path.stem)
    assert body(path)["name"] == f"{schema['name']}Body"


def test_no_two_names_of_the_catalogue_collide() -> None:
    names = [defined for path in FILES for defined in defined_names(read(path))]
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_names_that_collide_would_be_seen() -> None:
    assert record_name("quizzes-lti.grade_changed") == "QuizzesLtiGradeChanged"
    assert record_name("quizzes.lti_grade_changed") == "QuizzesLtiGradeChanged"
    inner = {"type": "record", "name": "Inner", "fields": []}
    fields = [{"name": "inner", "type": ["null", {"type": "array", "items": inner}]}]
    assert list(defined_names({"type": "record", "name": "Outer", "fields": fields})) == ["Outer", "Inner"]


@each_file
def test_text_is_laid_out_for_reading(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    assert all(line.endswith("\n") and len(line) <= 161 and "\t" not in line for line in lines)
    assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 for line in lines)


@each_event
def test_envelope_is_that_of_every_other_event(path: Path) -> None:
    def envelope(schema: Schema) -> list[Schema]:
        return [field if field["name"] != "body" else {**field, "type": None} for field in schema["fields"]]

    assert [field["name"] for field in read(path)["fields"]] == ENVELOPE
    assert envelope(read(path)) == envelope(read(EVENTS[0]))


@each_file
def test_everything_is_documented(path: Path) -> None:
    for documented in [read(path), *fields(read(path))]:
        assert re.fullmatch(r"[A-Z].{5,}\.", documented["doc"]), documented["name"]


@each_file
def test_every_leaf_says_whether_it_is_personal(path: Path) -> None:
    for leaf in leaves(read(path)):
        field = leaf["name"]
        assert leaf["pii"] in PII, field
        assert leaf["pii"] == "direct" or not DIRECT_NAME.search(field), field
        assert leaf["pii"] != "none" or not PERSON_NAME.search(field), field
        assert leaf["pii"] in ("direct", "free_text") or not TEXT_NAME.search(field), field


@pytest.mark.parametrize("path", [*EVENTS, *TYPES], ids=name)
def test_every_detail_may_be_null(path: Path) -> None:
    for field in fields(body(path) if path in EVENTS else read(path)):
        assert branches(field["type"])[0] == "null", field["name"]
        assert len(branches(field["type"])) == 2, field["name"]
        assert field["default"] is None, field["name"]


@each_file
def test_names_of_fields_tell_their_types(path: Path) -> None:
    for leaf in leaves(read(path)):
        field, (kind, logical) = leaf["name"], avro_type(leaf)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field)
        assert (logical == "timestamp-millis") == bool(TIME_NAME.search(field)), field
        if field in ENVELOPE:
            continue
        assert ("id" in leaf) == bool(ID_NAME.search(field)), field
        assert leaf.get("id", "foreign") in ("canvas", "foreign"), field
        assert kind in ("string", "array") or "id" not in leaf, field


@each_event
def test_other_names_of_a_field_are_names_of_no_field(path: Path) -> None:
    names = [field["name"] for field in body(path)["fields"]]
    aliases = [alias for field in body(path)["fields"] for alias in field.get("aliases", [])]
    assert len({*names, *aliases}) == len(names) + len(aliases)


@each_event
def test_key_points_to_ids_of_the_record(path: Path) -> None:
    keys = read(path)["canvas"]["key"]
    assert len(set(keys)) == len(keys)
    assert keys[-1] == "/metadata/root_account_id"
    for pointer in keys:
        assert field_at(path, pointer)["id"] == "canvas", pointer


@each_file
def test_caliper_pointers_are_json_pointers(path: Path) -> None:
    for field in fields(read(path)):
        found = caliper_pointers(field)
        assert len(set(found)) == len(found), field["name"]
        assert len({pointer.startswith("envelope:") for pointer in found}) <= 1, field["name"]
        for pointer in found:
            assert POINTER.fullmatch(pointer.removeprefix("envelope:")), pointer


@each_event
def test_caliper_matches_and_caliper_fields_come_together(path: Path) -> None:
    matches, details = read(path).get("caliper", []), body(path)["fields"]
    mapped = [field["name"] for field in details if caliper_pointers(field)]
    assert bool(matches) == bool(mapped or not details)
    for match in matches:
        assert "/action" in match
        assert all(POINTER.fullmatch(pointer) and allowed for pointer, allowed in match.items())
        assert None not in match["/action"]


def test_no_caliper_event_can_be_two_events() -> None:
    matches = [(path.stem, match) for path in EVENTS for match in read(path).get("caliper", [])]
    ties = [
        (one, other)
        for (one, match), (other, rival) in combinations(matches, 2)
        if one != other and can_tie(match, rival)
    ]
    assert ties == []


def test_a_tie_would_be_seen() -> None:
    created: Match = {"/action": ["Created"], "/object/id": ["urn:instructure:canvas:course"]}
    assert can_tie(created, {"/action": ["Created", "Posted"], "/object/type": ["CourseOffering"]})
    assert not can_tie(created, {"/action": ["Created"]})
    assert not can_tie(created, {"/action": ["Created"], "/object/id": ["urn:instructure:canvas:quiz"]})


@pytest.mark.parametrize(("created", "updated"), PAIRS, ids=name)
def test_created_and_updated_agree(created: Path, updated: Path) -> None:
    later = {field["name"]: field for field in body(updated)["fields"]}
    for field in body(created)["fields"]:
        twin = later[field["name"]]
        assert all(field.get(key) == twin.get(key) for key in ("type", "id", "pii")), field["name"]
