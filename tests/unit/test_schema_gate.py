"""`canvas-processors schemas check`, on copies of real schemas that are then changed."""

import json
import shutil
from pathlib import Path

import pytest

from tests.schema_promises import ALLOWED, REFUSED
from tests.schema_site import EVENT, ROLLUP, Site, body, drop, field, optional, site_in


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


@pytest.fixture
def released(site: Site) -> Site:
    """A site whose schemas have been released as 1.0.0."""
    assert site.release("1.0.0").exit_code == 0
    return site


@pytest.mark.parametrize("what", REFUSED)
def test_a_broken_promise_is_refused_and_explained(what: str, released: Site) -> None:
    file, edit, says = REFUSED[what]
    released.edit(file, edit)
    result = released.check()
    assert result.exit_code == 1
    (complaint,) = (line for line in result.stderr.splitlines() if says[0] in line)
    assert complaint.startswith(f"{released.avro / file}: ")
    assert "(released in 1.0.0" in complaint
    assert all(part in complaint for part in says)
    assert "refused" in result.stdout


@pytest.mark.parametrize("what", REFUSED)
def test_a_broken_promise_holds_back_the_release(what: str, released: Site) -> None:
    file, edit, _ = REFUSED[what]
    released.edit(file, edit)
    result = released.release("1.1.0")
    assert result.exit_code == 1
    assert "nothing was written" in result.stderr
    assert [path.name for path in (released.avro / "released").iterdir()] == ["1.0.0.json"]


@pytest.mark.parametrize("what", ALLOWED)
def test_what_consumers_need_not_mind_is_released(what: str, released: Site) -> None:
    file, edit, says = ALLOWED[what]
    released.edit(file, edit)
    checked, second = released.check(), released.release("1.1.0")
    assert (checked.exit_code, checked.stderr) == (0, "")
    if says is None:
        assert checked.stdout == "4 schemas, last release 1.0.0: 4 unchanged\n"
        assert second.exit_code == 1
        assert "nothing has changed since 1.0.0" in second.stderr
    else:
        assert says in checked.stdout
        assert second.exit_code == 0
        assert released.check().stdout == "4 schemas, last release 1.1.0: 4 unchanged\n"


def test_without_a_released_set_the_check_passes_and_says_so(site: Site) -> None:
    result = site.check()
    assert result.exit_code == 0
    assert result.stdout == f"{site.avro} has no released set: nothing to compare 4 schemas with\n"


@pytest.mark.parametrize(("file", "name"), [(EVENT, "grade_change"), (ROLLUP, "rollup.course_progress")])
def test_a_schema_that_is_gone_is_refused(file: str, name: str, released: Site) -> None:
    (released.avro / file).unlink()
    result = released.check()
    assert result.exit_code == 1
    assert f"{released.avro / file}: / is gone, and so its topic for every consumer" in result.stderr
    assert "put the file back" in result.stderr
    assert f"{name}" in result.stdout


def test_every_release_counts_not_only_the_last(released: Site) -> None:
    """A type changed and changed back: the second release, however it came about, stands in the way."""
    first = released.released("1.0.0")["grade_change"]
    changed = json.loads(json.dumps(first))
    field(body(changed), "score")["type"] = ["null", "string"]
    released.write_release("1.1.0", {"grade_change": changed})
    result = released.check()
    assert result.exit_code == 1
    assert "/body/score was string or null and is double or null (released in 1.1.0)" in result.stderr
    released.edit(EVENT, lambda schema: field(body(schema), "score").update(type=["null", "string"]))
    result = released.check()
    assert result.exit_code == 1
    assert "/body/score was double or null and is string or null (released in 1.0.0)" in result.stderr


def test_the_newest_release_that_objects_is_named(released: Site) -> None:
    released.edit(EVENT, lambda schema: body(schema).append(optional("note")))
    assert released.release("1.1.0").exit_code == 0
    released.edit(EVENT, lambda schema: drop(body(schema), "muted"))
    assert "(released in 1.1.0): put it back" in released.check().stderr


def test_a_field_of_an_older_release_is_missed_though_the_last_has_it_not(released: Site) -> None:
    later = released.released("1.0.0")["grade_change"]
    drop(body(later), "muted")
    released.write_release("1.1.0", {"grade_change": later})
    released.edit(EVENT, lambda schema: drop(body(schema), "muted"))
    assert (
        "/body/muted is gone, and so its column for every consumer (released in 1.0.0)"
        in released.check().stderr
    )


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("latest.json", "{}", "'latest' is not a version"),
        ("2.0.json", "[", "2.0.json is not a released set"),
        ("2.0.json", "[1]", "2.0.json is not a released set"),
        ("1.0.json", "{}", "are the same version"),
    ],
)
def test_a_broken_released_set_is_named(file: str, text: str, says: str, released: Site) -> None:
    (released.avro / "released" / file).write_text(text, "utf-8")
    result = released.check()
    assert result.exit_code == 1
    assert says in result.stderr


def test_an_event_with_a_name_of_ours_is_refused(site: Site) -> None:
    shutil.copy(site.avro / EVENT, site.avro / "events/unknown.avsc")
    assert "may not be called `unknown`" in site.check().stderr
