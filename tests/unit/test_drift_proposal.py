"""What is proposed for what was seen: type, attributes, place, the text around it, and what is left."""

import json
from pathlib import Path
from typing import Any

import pytest

from processors.drift.inference import Unclear, infer
from processors.drift.schema_text import insert_fields, without_attribute
from processors.drift.shapes import shape_of
from tests.drift_site import Payload, SchemaFolder, caliper_sample, canvas
from tests.schema_laws import check_laws

TIME = {"type": "long", "logicalType": "timestamp-millis"}
DATE = {"type": "int", "logicalType": "date"}
NOW = "2026-03-01T09:30:00Z"


@pytest.fixture
def site(tmp_path: Path) -> SchemaFolder:
    names = ("course_created", "course_updated", "grade_change", "logged_out", "sis_batch_created")
    return SchemaFolder(tmp_path, *names)


@pytest.mark.parametrize(
    ("name", "values", "avro", "id_kind", "pii"),
    [
        ("colour", ["red", ""], "string", None, "free_text"),
        ("size", [1, 2], "long", None, "none"),
        ("size", [1, 2.5], "double", None, "none"),
        ("size", [{"numberStr": "2.5"}], "double", None, "none"),
        ("size", [2**64 - 1], "double", None, "none"),
        ("size", [1, "large"], "string", None, "free_text"),
        ("open", [True], "boolean", None, "none"),
        ("due_at", [NOW, "2026-03-01 09:30:00 -0600"], TIME, None, "none"),
        ("due", [NOW], "string", None, "free_text"),
        ("due", [NOW, "2026-03-01"], "string", None, "free_text"),
        ("day", ["2026-03-01"], DATE, None, "none"),
        ("one_at_a_time", [True], "boolean", None, "none"),
        ("term_id", ["12", 13], "string", "canvas", "indirect"),
        ("term_id", ["urn:instructure:canvas:term:12"], "string", "canvas", "indirect"),
        ("term_id", ["12", "x"], "string", "foreign", "indirect"),
        ("term_sis_id", ["12"], "string", "foreign", "indirect"),
        ("lti_context_id", ["12"], "string", "foreign", "indirect"),
        ("uuid", ["12"], "string", "foreign", "indirect"),
        ("student_sis_id", ["12"], "string", "foreign", "direct"),
        ("email", ["x"], "string", None, "direct"),
        ("title", [1], "long", None, "free_text"),
    ],
)
def test_type_and_attributes_follow_from_values_and_name(
    name: str, values: list[Any], avro: Any, id_kind: str | None, pii: str
) -> None:
    found = infer(name, shape_of(values))
    assert (found.avro, found.listed, found.id_kind, found.pii) == (avro, False, id_kind, pii)
    assert found.left_out == ()


def test_a_list_is_an_array_and_an_object_a_record() -> None:
    tags = infer("tags", shape_of([["a"], []]))
    assert (tags.avro, tags.listed, tags.pii) == ("string", True, "free_text")
    assert infer("section_ids", shape_of([[1, "2"]])).id_kind == "foreign"
    made = infer("term", shape_of([{"id": "1", "fooBar": 2}, {"starts": "2026-03-01", "gone": None}]))
    assert {name: str(inner) for name, inner in made.fields.items()} == {"id": "string", "starts": "date"}
    assert made.left_out == ("fooBar: a nested field cannot be named so",)


@pytest.mark.parametrize(
    ("name", "values", "cause"),
    [
        ("due_at", ["soon"], "the name says time, but string came"),
        ("due_at", [NOW, 5], "the name says time, but integer, time came"),
        ("due_at", [[NOW]], "the name says time, but lists came"),
        ("tags", [[]], "only empty lists"),
        ("tags", [["a", None]], "lists with nulls"),
        ("tags", [["a", True]], "lists of boolean, string fit no type"),
        ("has_id", [True], "boolean came, and no type of ours takes them all"),
        ("thing", [{}], "only objects without a usable key"),
        ("grades", [{"100000000000001": 5}], "its keys seem to be open"),
        ("grades", [{f"k{number}": 5 for number in range(300)}], "its keys seem to be open"),
        ("mixed", [{"a": 1}, False], "boolean, object came, and no type of ours takes them all"),
    ],
)
def test_what_is_not_clear_is_not_proposed(name: str, values: list[Any], cause: str) -> None:
    with pytest.raises(Unclear, match=cause):
        infer(name, shape_of(values))


def test_texts_among_other_values_are_proposed_with_the_remark_that_the_others_stay() -> None:
    assert infer("state", shape_of(["open", True])).left_out == ("boolean among texts",)


def test_a_field_goes_to_the_end_of_its_record_and_nothing_else_moves(site: SchemaFolder) -> None:
    payload = canvas("grade_change", {"curve": 1.5}, campus="North")
    assert {added.file for added in site.propose(site.records([payload] * 2)).added} == {
        "events/grade_change.avsc",
        "types/EventMetadata.avsc",
    }
    assert list(site.body("grade_change"))[-1] == "curve"
    before, after = site.before["events/grade_change.avsc"], site.texts()["events/grade_change.avsc"]
    new = """,
          {
            "name": "curve", "type": ["null", "double"], "default": null, "pii": "none",
            "doc": "Observed, not documented: seen 2 times since 2026-03-01. Null for Caliper."
          }"""
    assert after.replace(new, "") == before


def test_a_field_of_created_is_one_of_updated_too_and_agrees(site: SchemaFolder) -> None:
    seen = [
        canvas("course_created", {"term": {"id": "1"}, "credit": 5}),
        canvas("course_updated", {"credit": "5"}),
    ]
    proposal = site.propose(site.records(seen))
    for name in ("course_created", "course_updated"):
        fields = site.body(name)
        assert fields["term"]["type"] == ["null", "canvasbridge.events.CourseTerm"]
        assert fields["credit"]["type"] == ["null", "string"]
        assert "2 times in course_created and course_updated since" in fields["credit"]["doc"]
        assert "seen once in course_created, on 2026-03-01" in fields["term"]["doc"]
    assert site.schema("types/CourseTerm.avsc")["fields"][0]["id"] == "foreign"
    check_laws(site.folder, proposal.texts)


def test_what_updated_has_already_decides_the_type_of_created(site: SchemaFolder) -> None:
    site.propose(site.records([canvas("course_updated", {"credit": "5", "open": True})]))
    seen = [canvas("course_created", {"credit": 5, "open": "yes"})]
    proposal = site.propose(site.records(seen))
    assert [(added.field, added.type) for added in proposal.added] == [("body/credit", "string")]
    (left,) = proposal.left
    assert (left.event, left.field) == ("course_created", "body/open")
    assert "events/course_updated.avsc has it with another type" in left.reason


def test_a_caliper_value_becomes_a_field_with_its_path(site: SchemaFolder) -> None:
    payload = caliper_sample("grade_change")
    event = payload["data"][0]
    event["generated"]["rubricScore"] = {"numberStr": "2.5"}
    event["object"]["isPartOf"] = {"id": "urn:instructure:canvas:module:100000000000009", "type": "X"}
    event["actor"].setdefault("extensions", {}).setdefault("com.instructure.canvas", {})["mood"] = "fine"
    payload["sensorVersion"] = 2
    proposal = site.propose(site.records([payload]))
    body, metadata = site.body("grade_change"), site.schema("types/EventMetadata.avsc")["fields"]
    found = {field["name"]: field for field in [*body.values(), *metadata[-2:]]}
    assert found["rubric_score"]["caliper"] == "/generated/rubricScore"
    assert (found["is_part_of_id"]["caliper"], found["is_part_of_id"]["id"]) == (
        "/object/isPartOf/id",
        "canvas",
    )
    assert found["mood"]["caliper"] == "/actor/extensions/com.instructure.canvas/mood"
    assert found["sensor_version"]["caliper"] == "envelope:/sensorVersion"
    assert proposal.left == []
    (record,) = site.records([payload])
    assert record.record["extra"] == {}
    assert record.record["body"]["is_part_of_id"] == "100000000000009"


def test_another_spelling_is_an_alias(site: SchemaFolder) -> None:
    site.propose(site.records([canvas("grade_change", {"newGrade": "A"})]))
    assert site.body("grade_change")["new_grade"]["aliases"] == ["newGrade"]
    (record,) = site.records([canvas("grade_change", {"newGrade": "A"})])
    assert (record.record["body"]["new_grade"], record.record["extra"]) == ("A", {})


def left_for(site: SchemaFolder, payload: Payload) -> str:
    """Why the only thing that a payload shows is left to people."""
    proposal = site.propose(site.records([payload]))
    assert proposal.texts == {}
    (left,) = proposal.left
    return left.reason


def test_what_cannot_be_a_field_is_said_with_the_reason(site: SchemaFolder) -> None:
    assert "whose type cannot change" in left_for(site, canvas("grade_change", {"score": "many"}))
    assert "stands beside metadata and body" in left_for(site, canvas("grade_change", {}) | {"beside": 1})
    assert "no field can be named so" in left_for(site, canvas("grade_change", {"100000000000001": 1}))
    assert "no field can be named so" in left_for(site, canvas("grade_change", {}, newThing=1))
    assert "needs a `caliper`" in left_for(site, canvas("logged_out", {"reason": "timeout"}))
    caliper = caliper_sample("grade_change")
    caliper["data"][0]["object"]["extensions"]["com.instructure.canvas"]["score"] = 5
    assert "`score` is there already" in left_for(site, caliper)
    assert "no body with a value" in left_for(site, canvas("never_heard_of", {}))
    assert "no file and no record" in left_for(site, canvas("../../etc/passwd", {"a": 1}))


def test_an_unknown_event_gets_a_schema_of_its_own(site: SchemaFolder) -> None:
    seen = [
        canvas("thing.was-moved", {"course_id": "100000000000012", "user_id": 5, "to": {"id": "1"}}),
        canvas("thing.was-moved", {"course_id": "100000000000013", "empty": []}),
    ]
    records = site.records(seen)
    proposal = site.propose(records)
    assert proposal.new_events == ["thing.was-moved"]
    schema = site.schema("events/thing.was-moved.avsc")
    assert schema["name"] == "ThingWasMoved"
    assert schema["doc"] == "Observed, not documented: seen 2 times since 2026-03-01."
    assert schema["canvas"]["key"] == [
        "/body/course_id",
        "/metadata/context_id",
        "/body/user_id",
        "/metadata/user_id",
        "/metadata/root_account_id",
    ]
    assert list(site.body("thing.was-moved")) == ["course_id", "to", "user_id"]
    assert [left.field for left in proposal.left] == ["body/empty"]
    check_laws(site.folder, proposal.texts)
    assert [record.event_name for record in site.records(seen)] == ["thing.was-moved"] * 2
    assert [left.reason for left in site.propose(records).left] == ["it has a schema by now"]


def test_a_new_updated_begins_with_what_created_has(site: SchemaFolder) -> None:
    proposal = site.propose(site.records([canvas("sis_batch_updated", {"note": "x"})]))
    assert proposal.new_events == ["sis_batch_updated"]
    assert list(site.body("sis_batch_updated")) == [*site.body("sis_batch_created"), "note"]
    check_laws(site.folder, proposal.texts)


def test_an_empty_list_of_fields_is_opened() -> None:
    text = '{\n  "type": "record",\n  "fields": []\n}\n'
    after = insert_fields(text, (), [["{", '  "name": "a"', "}"], ["{}"]])
    assert json.loads(after)["fields"] == [{"name": "a"}, {}]
    assert (
        after == '{\n  "type": "record",\n  "fields": [\n    {\n      "name": "a"\n    },\n    {}\n  ]\n}\n'
    )


def test_an_attribute_is_taken_out_wherever_it_stands() -> None:
    text = '{\n  "a": {"caliper": "/x", "b": "caliper"},\n  "caliper": [\n    "/y"\n  ],\n  "c": 1\n}\n'
    assert json.loads(without_attribute(text, "caliper")) == {"a": {"b": "caliper"}, "c": 1}
    assert without_attribute(text, "caliper").endswith('"b": "caliper"},\n  "c": 1\n}\n')
