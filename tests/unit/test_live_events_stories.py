"""Events of one family tell one story: what is changed was made before, and what is deleted is gone."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events import LIVE_EVENTS
from bridge.sandbox.university import University
from tests.unit.happenings import story

# An event that makes something, a later one about it, and the id that both have.
REFERENCES = [
    ("account_created", "account_updated", "account_id"),
    ("assignment_created", "assignment_updated", "assignment_id"),
    ("assignment_group_created", "assignment_group_updated", "assignment_group_id"),
    ("assignment_override_created", "assignment_override_updated", "assignment_override_id"),
    ("attachment_created", "attachment_deleted", "attachment_id"),
    ("attachment_created", "attachment_updated", "attachment_id"),
    ("blueprint_subscription_created", "blueprint_subscription_deleted", "child_subscription_id"),
    ("content_migration_started", "content_migration_completed", "content_migration_id"),
    ("conversation_created", "conversation_message_created", "conversation_id"),
    ("course_section_created", "course_section_updated", "course_section_id"),
    ("discussion_entry_created", "discussion_entry_deleted", "discussion_entry_id"),
    ("discussion_entry_created", "discussion_entry_updated", "discussion_entry_id"),
    ("enrollment_created", "enrollment_state_created", "enrollment_id"),
    ("enrollment_created", "enrollment_updated", "enrollment_id"),
    ("group_category_created", "group_created", "group_category_id"),
    ("group_created", "group_membership_created", "group_id"),
    ("group_membership_created", "group_membership_updated", "group_membership_id"),
    ("learning_outcome_created", "learning_outcome_link_created", "learning_outcome_id"),
    ("learning_outcome_group_created", "learning_outcome_group_updated", "learning_outcome_group_id"),
    ("learning_outcome_link_created", "learning_outcome_link_updated", "learning_outcome_link_id"),
    ("learning_outcome_result_created", "learning_outcome_result_updated", "id"),
    ("lti_resource_link_created", "lti_resource_link_updated", "lookup_uuid"),
    ("master_migration_started", "master_migration_completed", "master_migration_id"),
    ("master_template_created", "blueprint_subscription_created", "master_template_id"),
    ("module_created", "module_item_created", "module_id"),
    ("module_item_created", "module_item_updated", "module_item_id"),
    ("outcome_proficiency_created", "outcome_proficiency_updated", "outcome_proficiency_id"),
    ("quiz_created", "quiz_submitted", "quiz_id"),
    ("quiz_created", "quiz_updated", "quiz_id"),
    ("sis_batch_created", "sis_batch_updated", "sis_batch_id"),
    ("submission_created", "grade_change", "submission_id"),
    ("wiki_page_created", "wiki_page_deleted", "wiki_page_id"),
]
# The state of each of these can become `deleted`, and then no event is about the thing any more.
MORTAL = [
    ("assignment_updated", "assignment_id"),
    ("assignment_override_updated", "assignment_override_id"),
    ("discussion_topic_updated", "discussion_topic_id"),
    ("enrollment_updated", "enrollment_id"),
    ("group_membership_updated", "group_membership_id"),
    ("group_updated", "group_id"),
    ("learning_outcome_updated", "learning_outcome_id"),
    ("lti_resource_link_updated", "resource_link_id"),
    ("module_item_updated", "module_item_id"),
    ("module_updated", "module_id"),
    ("quiz_updated", "quiz_id"),
]


@pytest.mark.parametrize(("earlier", "later", "key"), REFERENCES)
def test_events_refer_to_what_was_made_before(earlier: str, later: str, key: str) -> None:
    known: set[str] = set()
    met = 0
    for happening in story((earlier, later)):
        if happening.event_name == earlier:
            known.add(happening.body[key])
        elif happening.body[key] in known:
            met += 1
    assert met > 20


@pytest.mark.parametrize(("name", "key"), MORTAL)
def test_what_is_deleted_is_not_heard_of_again(name: str, key: str) -> None:
    deleted: set[str] = set()
    for happening in story((name, name.replace("updated", "created"))):
        assert happening.body[key] not in deleted
        if happening.body["workflow_state"] == "deleted":
            deleted.add(happening.body[key])
    assert deleted


def test_a_batch_is_imported_after_it_was_begun() -> None:
    states: defaultdict[str, list[str]] = defaultdict(list)
    for happening in story(("sis_batch_created", "sis_batch_updated")):
        states[happening.body["sis_batch_id"]].append(happening.body["workflow_state"])
    ended = [told for told in states.values() if told[-1] in ("imported", "imported_with_messages", "failed")]
    assert len(ended) > 50
    assert all("importing" in told for told in ended)
    assert all(told.index("importing") == len(told) - 2 for told in ended)


def test_old_values_are_the_new_ones_of_before() -> None:
    last: dict[str, float] = {}
    for happening in story(("grade_override",)):
        score_id, old = happening.body["score_id"], happening.body["old_override_score"]
        assert old == last.get(score_id)
        last[score_id] = happening.body["override_score"]


def shelves(thing: Any) -> Iterator[deque[Any]]:
    """Everything that could grow. A plain list may only be one that is made whole and stays as it is."""
    names = thing.__dict__ if hasattr(thing, "__dict__") else thing.__slots__
    for name in names:
        value = getattr(thing, name)
        assert not isinstance(value, list | set) or name in ("teachers", "requirements"), name
        if isinstance(value, deque):
            yield value


def test_a_university_does_not_grow_for_ever() -> None:
    campus = University(Dice("age/test"), courses=40)
    names, weights = list(LIVE_EVENTS), [event.weight for event in LIVE_EVENTS.values()]
    for name in campus.dice.choices(names, weights, k=20_000):
        campus.tick()
        LIVE_EVENTS[name].happen(campus)
    assert len(campus.courses) == 60
    things = (campus, *campus.courses, *campus.departments, *campus.blueprints)
    for shelf in (shelf for thing in things for shelf in shelves(thing)):
        assert shelf.maxlen is not None
    assert len(campus.teachers) == 5


def test_a_full_gradebook_forgets_the_oldest_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sandbox.gradebook.MOST", 10)
    campus = University(Dice("gradebook/test"))
    handed_in = list({id(told): told for told in (campus.submit() for _ in range(25))}.values())
    assert len(campus.gradebook) == 10
    found = [campus.gradebook.find(told.student.id, told.assignment.id) for told in handed_in]
    kept = [place for place, told in enumerate(handed_in) if found[place] is told]
    assert kept == list(range(len(handed_in) - 10, len(handed_in)))
