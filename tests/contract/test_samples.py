"""Every sample becomes exactly the record, the unknown event or the failure that its files say."""

import json
from pathlib import Path

import pytest

from processors.failures import Reason
from tests.samples import CATALOGUE, EVENTS, FAILS, PASSES, convert, expected_file


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", PASSES, ids=name)
def test_sample_becomes_what_is_expected(path: Path) -> None:
    expected = json.loads(expected_file(path).read_text("utf-8"))
    assert json.loads(json.dumps(convert(path))) == expected


@pytest.mark.parametrize("path", PASSES, ids=name)
def test_sample_lies_in_the_folder_of_its_event(path: Path) -> None:
    folder = path.parent.name
    for outcome in convert(path):
        assert outcome["outcome"] == ("unknown" if folder == "_unknown" else "record")
        assert folder in ("_unknown", outcome["event_name"])


@pytest.mark.parametrize("path", FAILS, ids=name)
def test_refused_sample_fails_for_the_reason_it_names(path: Path) -> None:
    (outcome,) = convert(path)
    assert outcome["outcome"] == "dead_letter"
    assert outcome["reason"] == path.name.split(".")[2]
    assert outcome["message"]


def test_every_event_has_a_sample_in_each_of_its_formats() -> None:
    for event_name, event_type in CATALOGUE.events.items():
        found = {path.name.split(".")[0] for path in (EVENTS / event_name).glob("*.pass.json")}
        assert found == ({"canvas", "caliper"} if event_type.caliper_matches else {"canvas"}), event_name


def test_every_reason_has_a_sample() -> None:
    # A record too large is made in the unit test: two megabytes of sample would say no more.
    assert {path.name.split(".")[2] for path in FAILS} == set(Reason) - {Reason.RECORD_TOO_LARGE}
