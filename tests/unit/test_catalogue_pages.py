"""What a page says of a schema: its fields as rows, its history in words."""

from typing import Any

from packaging.version import Version

from processors.exports.pages.history import UNRELEASED, entries
from processors.exports.pages.rows import rows
from processors.schemas.released import Released


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Thing", "namespace": "x", "doc": "A thing.", "fields": [*fields]}


def field(name: str, kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", kind], "default": None, "doc": f"The {name}.", **more}


LEVEL = {"type": "record", "name": "Level", "doc": "A level.", "fields": [field("points", "double")]}
RATINGS = field("ratings", {"type": "array", "items": LEVEL})


def test_a_record_in_a_list_is_shown_with_its_place_in_the_payload() -> None:
    found = {row.path: row for row in rows(record(field("name", aliases=["title"]), RATINGS))}
    assert list(found) == ["name", "ratings[]", "ratings[].points"]
    assert found["name"].json == ["/name", "/title"]
    assert found["ratings[]"].type == "array of record"
    assert (found["ratings[].points"].name, found["ratings[].points"].depth) == ("points", 1)
    assert found["ratings[].points"].json == ["/ratings/*/points"]


def test_what_only_the_caliper_envelope_has_comes_from_no_place_in_canvas_json() -> None:
    (row,) = rows(record(field("sensor", caliper="envelope:/sensor")))
    assert (row.json, row.caliper) == ([], ("envelope:/sensor",))


def test_history_tells_what_each_release_added_newest_first() -> None:
    first, second = record(field("name")), record(field("name"), field("colour"))
    reworded = {**second, "doc": "The thing."}
    released = [Released(Version("1.0"), first), Released(Version("1.1"), second)]
    assert [(entry.version, list(entry.changes)) for entry in entries(released, reworded)] == [
        (UNRELEASED, ["documentation"]),
        ("1.1", ["added `colour`"]),
        ("1.0", ["first version"]),
    ]
    assert [entry.version for entry in entries(released, second)] == ["1.1", "1.0"]
    assert [entry.version for entry in entries([], first)] == [UNRELEASED]
