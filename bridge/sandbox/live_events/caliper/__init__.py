"""Writes what happened as an IMS Caliper 1.1 envelope, as Canvas does; not every event has a Caliper form.

Which action, object and URN stand for which event: canvas-lms doc/api/data_services, format Caliper.
"""

from typing import Any, Final

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events.base import Happening
from bridge.sandbox.live_events.caliper import content, coursework, people
from bridge.sandbox.live_events.caliper.base import EXTENSIONS, Form, Scope
from bridge.sandbox.live_events.caliper.envelope import envelope

__all__ = ["EXTENSIONS", "FORMS", "Scope", "render"]

FORMS: Final[dict[str, Form]] = {
    "asset_accessed": Form("NavigatedTo", content.asset, "NavigationEvent"),
    "assignment_created": Form("Created", coursework.assignment),
    "assignment_updated": Form("Modified", coursework.assignment),
    "assignment_override_created": Form("Created", coursework.assignment_override),
    "assignment_override_updated": Form("Modified", coursework.assignment_override),
    "attachment_created": Form("Created", content.attachment),
    "attachment_updated": Form("Modified", content.attachment),
    "attachment_deleted": Form("Deleted", content.attachment),
    "course_created": Form("Created", content.course, scope=Scope.NOTHING),
    "course_updated": Form("Modified", content.course, scope=Scope.NOTHING),
    "discussion_entry_created": Form("Posted", content.discussion_entry, "MessageEvent"),
    "discussion_topic_created": Form("Created", content.discussion_topic, "ThreadEvent", Scope.LOCAL),
    "enrollment_created": Form("Created", people.enrollment, scope=Scope.SECTION),
    "enrollment_updated": Form("Modified", people.enrollment, scope=Scope.SECTION),
    "enrollment_state_created": Form("Created", people.enrollment_state),
    "enrollment_state_updated": Form("Modified", people.enrollment_state),
    "grade_change": Form("Graded", coursework.graded, "GradeEvent", more=coursework.score),
    "group_category_created": Form("Created", people.group_category, scope=Scope.LOCAL),
    "group_created": Form("Created", people.group),
    "group_membership_created": Form("Created", people.group_membership, scope=Scope.NOTHING),
    "logged_in": Form("LoggedIn", people.application, "SessionEvent", Scope.NOTHING),
    "logged_out": Form("LoggedOut", people.application, "SessionEvent", Scope.NOTHING),
    "quiz_created": Form("Created", coursework.quiz),
    "quiz_updated": Form("Modified", coursework.quiz),
    "quiz_submitted": Form("Submitted", coursework.quiz_attempt, "AssessmentEvent"),
    "submission_created": Form("Submitted", coursework.submission, "AssignableEvent"),
    "submission_updated": Form("Modified", coursework.submission),
    "syllabus_updated": Form("Modified", content.syllabus, scope=Scope.MEMBERSHIP),
    "user_account_association_created": Form("Created", people.account_association, scope=Scope.NOTHING),
    "wiki_page_created": Form("Created", content.wiki_page),
    "wiki_page_updated": Form("Modified", content.wiki_page),
    "wiki_page_deleted": Form("Deleted", content.wiki_page),
}


def render(happening: Happening, dice: Dice) -> dict[str, Any]:
    """One envelope with one event. Raises KeyError for an event without a Caliper form."""
    return envelope(happening, FORMS[happening.event_name], dice)
