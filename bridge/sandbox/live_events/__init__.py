"""What can happen at a university, told as Canvas's events.

A family of events is a module with a dict `EVENTS`. To add an event, add its function and a line to that;
if Caliper has it too, also a line to `caliper.FORMS`.
"""

from typing import Final

from bridge.sandbox.live_events import (
    accounts,
    assets,
    assignments,
    blueprints,
    content,
    conversations,
    copies,
    courses,
    discussions,
    enrolments,
    grades,
    groups,
    mastery,
    modules,
    outcomes,
    people,
    quizzes,
    submissions,
    tools,
)
from bridge.sandbox.live_events.base import LiveEvent

# In the order of a first day of term.
LIVE_EVENTS: Final[dict[str, LiveEvent]] = {
    **accounts.EVENTS,
    **people.EVENTS,
    **courses.EVENTS,
    **enrolments.EVENTS,
    **modules.EVENTS,
    **content.EVENTS,
    **discussions.EVENTS,
    **groups.EVENTS,
    **conversations.EVENTS,
    **assignments.EVENTS,
    **submissions.EVENTS,
    **quizzes.EVENTS,
    **grades.EVENTS,
    **outcomes.EVENTS,
    **mastery.EVENTS,
    **blueprints.EVENTS,
    **copies.EVENTS,
    **tools.EVENTS,
    **assets.EVENTS,
}
