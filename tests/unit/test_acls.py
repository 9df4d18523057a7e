"""deploy/acls.yaml, and its tables in deploy/security.md: in step, and by the names of today."""

import pytest

from bridge.settings import TopicNameSettings
from processors.catalogue import load_catalogue
from processors.names import TopicNames
from processors.rollups import ROLLUPS
from processors.settings import GroupSettings
from processors.topics.topic_plan import changelog
from tests.acls import PAGE, acls, components, with_tables

PREFIX = TopicNameSettings.model_fields["topic_prefix"].default
GROUP = GroupSettings.model_fields["group_id"].default
ROWS = [acl for component in components() for acl in acls(component)]


def test_the_page_has_the_rows_of_the_file() -> None:
    text = PAGE.read_text("utf-8")
    assert with_tables(text) == text, "run `make docs`"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"security\.md must have the lines"):
        with_tables("# Security\n")


def test_no_row_is_there_twice() -> None:
    assert len({str(acl) for acl in ROWS}) == len(ROWS)


def test_rows_name_what_the_defaults_name() -> None:
    own = {"topic": (PREFIX, GROUP), "group": (GROUP, "analytics-"), "transactionalId": (GROUP,)}
    assert [acl for acl in ROWS if not acl.name.startswith(own[acl.type])] == []
    names = TopicNames(PREFIX)
    topics = {names.raw, names.dead_letter, *map(names.typed, load_catalogue().events)}
    literal = {acl.name for acl in ROWS if acl.type == "topic" and acl.pattern == "literal"}
    assert literal <= topics


def test_the_worker_may_read_every_source_of_every_rollup_and_its_changelog() -> None:
    names = TopicNames(PREFIX)
    wanted = {names.raw, *(names.typed(source) for rollup in ROLLUPS.values() for source in rollup.sources)}
    rows = [acl for acl in acls("worker") if acl.type == "topic" and acl.operation == "Read"]
    assert {acl.name for acl in rows if acl.pattern == "literal"} == wanted
    (prefix,) = (acl.name for acl in rows if acl.pattern == "prefix")
    assert all(changelog(GROUP, name).startswith(prefix) for name in ROLLUPS)


def test_deliveries_as_they_came_are_kept_from_those_who_read_typed_records() -> None:
    for component in ("drift", "consumer"):
        denied = {acl.name for acl in acls(component) if acl.denied and acl.operation == "Read"}
        assert denied == {f"{PREFIX}raw", f"{PREFIX}dead_letter"}
