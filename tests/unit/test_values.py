"""Readers: what Canvas really sends is read, what is not of the type is kept and not guessed."""

import math
from typing import Any

import pytest

from processors.values import (
    Misfit,
    Notes,
    Reader,
    array_reader,
    read_boolean,
    read_date,
    read_double,
    read_fields,
    read_id,
    read_long,
    read_map,
    read_string,
    read_time,
    record_reader,
)

SHARD = 10
GLOBAL = 100000000000565


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (read_string, "", ""),
        (read_string, "9.5", "9.5"),
        (read_string, 5, "5"),
        (read_string, 9.5, "9.5"),
        (read_id, "565", str(GLOBAL)),
        (read_id, 565, str(GLOBAL)),
        (read_id, str(GLOBAL), str(GLOBAL)),
        (read_id, GLOBAL, str(GLOBAL)),
        (read_id, "content-export-7", "content-export-7"),
        (read_id, "", ""),
        (read_id, "0", "0"),
        (read_double, 5, 5.0),
        (read_double, "9.50", 9.5),
        (read_double, "-1e3", -1000.0),
        (read_double, {"numberStr": "100.0"}, 100.0),
        (read_long, 3, 3),
        (read_long, 3.0, 3),
        (read_long, "3", 3),
        (read_long, {"numberStr": "12"}, 12),
        (read_boolean, True, True),
        (read_boolean, "false", False),
        (read_time, "1970-01-01T00:00:01.234Z", 1234),
        (read_time, "1970-01-01T00:00:01Z", 1000),
        (read_time, "1970-01-01T00:00:00-06:00", 21_600_000),
        (read_time, "1970-01-01T00:00:00.1234567Z", 123),
        (read_time, "1969-12-31T23:59:59.999Z", -1),
        (read_time, "1970-01-01 00:00:01 -0600", 21_601_000),
        (read_time, "1970-01-01 00:00:01 UTC", 1000),
        (read_date, "1970-01-02", 1),
        (read_date, "1970-01-02T05:59:59.000Z", 1),
        (read_map, {"a": "x", "b": [1, None], "c": None, "d": 2.5}, {"a": "x", "b": "[1,null]", "d": "2.5"}),
    ],
)
def test_reads(reader: Reader, value: Any, expected: Any) -> None:
    read = reader(value, "/f", Notes(shard=SHARD))
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (read_string, True),
        (read_string, []),
        (read_id, 5.0),
        (read_id, {"id": 5}),
        (read_double, ""),
        (read_double, "nan"),
        (read_double, "5 points"),
        (read_double, True),
        (read_double, {"number": "5"}),
        (read_long, 3.5),
        (read_long, True),
        (read_long, 2**63),
        (read_long, 1e300),
        (read_boolean, 1),
        (read_boolean, "yes"),
        (read_boolean, []),
        (read_time, "2019-11-05 07:38:00"),
        (read_time, "2019-11-05 25:38:00 UTC"),
        (read_time, "019-11-01T19:11:13.590Z"),
        (read_time, "2019-11-01T19:11:13.590"),
        (read_time, "2019-13-01T00:00:00Z"),
        (read_time, "2019-11-01"),
        (read_time, 1572635473),
        (read_time, ""),
        (read_date, "2019-13-01"),
        (read_map, "drop_lowest:1"),
        (read_map, ["a"]),
        (array_reader(read_string), "a,b"),
        (array_reader(read_long), [1, "x"]),
        (record_reader({}), "text"),
    ],
)
def test_refuses(reader: Reader, value: Any) -> None:
    with pytest.raises(Misfit):
        reader(value, "/f", Notes(shard=SHARD))


def test_an_infinite_number_is_a_misfit_or_infinite_but_never_an_integer() -> None:
    assert math.isinf(read_double("1e999", "/f", Notes()))
    with pytest.raises(Misfit):
        read_long("1e999", "/f", Notes())


def test_without_a_shard_an_id_stays_local_and_that_is_noted() -> None:
    notes = Notes()
    assert read_id("565", "/f", notes) == "565"
    assert notes.local_ids


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("x" * 8189 + "...", True),
        ("x" * 8000 + "...", True),
        ("and so on...", False),
        ("x" * 9000 + "...", False),
    ],
)
def test_texts_that_canvas_cut_are_named(text: str, cut: bool) -> None:  # noqa: FBT001
    notes = Notes()
    read_string(text, "/body/text", notes)
    assert notes.truncated == (["/body/text"] if cut else [])


def test_what_no_field_claims_and_what_does_not_fit_is_kept_by_its_pointer() -> None:
    notes = Notes()
    fields = {"score": read_double, "inner": record_reader({"n": read_long})}
    found = {"score": "n/a", "new/field": [1], "inner": {"n": 1, "m~": None, "o": {"p": 1}}, "none": None}
    record = read_fields(fields, {name: (f"/body/{name}", value) for name, value in found.items()}, notes)
    assert record == {"score": None, "inner": {"n": 1}}
    assert notes.extra == {"/body/score": '"n/a"', "/body/new/field": "[1]", "/body/inner/o": '{"p":1}'}
