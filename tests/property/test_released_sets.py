"""Laws of the released sets: what was released is unchanged, whatever was released, in whatever steps."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from processors.catalogue import load_catalogue
from processors.schemas.evolution import judge, to_release
from processors.schemas.registration import Change
from processors.schemas.released import layout, read_history, schemas_of, versions, write_release

SCHEMAS = schemas_of(load_catalogue())
NAMES = sorted(SCHEMAS)

steps = st.lists(st.sets(st.sampled_from(NAMES), min_size=1, max_size=8), min_size=1, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("fields"), inner),
)


@given(steps)
def test_an_unchanged_catalogue_is_clean_against_its_own_releases(steps: list[set[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        avro, today = Path(folder), dict[str, Any]()
        for number, names in enumerate(steps):
            today |= {name: SCHEMAS[name] for name in names}
            news = to_release(today, read_history(avro))
            if news:
                write_release(avro, Version(f"1.{number}"), news)
        history = read_history(avro)
        assert {verdict.change for verdict in judge(today, history)} == {Change.UNCHANGED}
        assert not to_release(today, history)
        written = [json.loads(path.read_text("utf-8"))["schemas"] for path in versions(avro).values()]
        assert sum(map(len, written)) == len(today)


@given(st.sets(st.sampled_from(NAMES), min_size=2, max_size=8))
def test_a_schema_that_takes_another_s_place_is_refused(names: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        avro, ordered = Path(folder), sorted(names)
        write_release(avro, Version("1"), {name: SCHEMAS[name] for name in ordered})
        moved = dict(zip(ordered, [SCHEMAS[name] for name in ordered[1:] + ordered[:1]], strict=True))
        verdicts = judge(moved, read_history(avro))
        assert {verdict.change for verdict in verdicts} == {Change.REFUSED}
        assert all(verdict.objections for verdict in verdicts)


@given(st.dictionaries(st.text(), json_values))
def test_the_layout_loses_nothing(value: dict[str, Any]) -> None:
    assert json.loads(layout(value)) == value
