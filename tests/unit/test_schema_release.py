"""`canvas-processors schemas release`: what a released set holds, and when none is written."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.schema_files import AVRO
from tests.schema_site import EVENT, Site, add, body, optional, site_in


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


@pytest.fixture
def released(site: Site) -> Site:
    """A site whose schemas have been released as 1.0.0."""
    assert site.release("1.0.0").exit_code == 0
    return site


def test_a_new_event_is_released_alone(released: Site) -> None:
    shutil.copy(AVRO / "events/logged_in.avsc", released.avro / "events")
    checked = released.check()
    assert checked.exit_code == 0
    assert "logged_in  -              new     -" in checked.stdout
    result = released.release("1.1")
    assert "wrote" in result.stdout
    assert [*released.released("1.1")] == ["logged_in"]


def test_a_release_holds_only_what_changed(released: Site) -> None:
    assert sorted(released.released("1.0.0")) == [
        "course_progress",
        "grade_change",
        "rollup.course_progress",
        "unknown",
    ]
    released.edit(EVENT, lambda schema: body(schema).append(optional("note")))
    released.release("1.1.0")
    assert [*released.released("1.1.0")] == ["grade_change"]


@pytest.mark.parametrize("version", ["1.0.0", "1.0", "1.0.0rc1", "0.9.12"])
def test_a_release_is_newer_than_the_last(version: str, released: Site) -> None:
    released.edit(EVENT, lambda schema: body(schema).append(optional("note")))
    result = released.release(version)
    assert result.exit_code == 1
    assert "is not newer than 1.0.0, the last release" in result.stderr


def test_versions_are_compared_as_versions(released: Site) -> None:
    for number, version in enumerate(("1.9.0", "1.10.0rc1", "1.10.0")):
        new = optional(f"n{number}")
        released.edit(EVENT, partial(add, new))
        assert released.release(version).exit_code == 0
    assert released.check().stdout == "4 schemas, last release 1.10.0: 4 unchanged\n"


def test_a_version_is_one(released: Site) -> None:
    result = released.release("next")
    assert result.exit_code == 2
    assert "'next' is not a version such as 1.4.0" in result.stderr


def test_a_schema_that_is_not_avro_is_named(site: Site) -> None:
    site.edit(EVENT, lambda schema: body(schema).append(optional("note", "canvasbridge.events.Note")))
    result = site.release("1.0.0")
    assert result.exit_code == 1
    assert "the schema of grade_change refers to canvasbridge.events.Note" in result.stderr
    assert not (site.avro / "released").exists()


def test_a_line_of_a_released_set_is_a_field(released: Site) -> None:
    before = (released.avro / "released/1.0.0.json").read_text("utf-8").splitlines()
    assert sum('"name": "score"' in line for line in before) == 1
    released.edit(EVENT, lambda schema: body(schema).append(optional("note")))
    released.release("1.1.0")
    after = (released.avro / "released/1.1.0.json").read_text("utf-8").splitlines()
    assert len([line for line in after if line.rstrip(",") not in {old.rstrip(",") for old in before}]) == 1
