"""What can happen, in the order of a first day of term.

To add an event, add its function and a line here; if Caliper has it too, also a line in `caliper.FORMS`.
"""

from typing import Final

from bridge.sandbox.live_events import content, courses, coursework, people
from bridge.sandbox.live_events.base import LiveEvent

LIVE_EVENTS: Final[dict[str, LiveEvent]] = {
    "user_created": LiveEvent(2, people.created),
    "course_created": LiveEvent(1, courses.created),
    "course_updated": LiveEvent(2, courses.updated),
    "syllabus_updated": LiveEvent(2, courses.syllabus_updated, courses.updated_with_syllabus),
    "enrollment_created": LiveEvent(4, people.enrolled),
    "enrollment_state_updated": LiveEvent(4, people.enrollment_state_updated),
    "logged_in": LiveEvent(12, people.logged_in),
    "assignment_created": LiveEvent(2, coursework.assignment_created),
    "assignment_updated": LiveEvent(4, coursework.assignment_updated),
    "attachment_created": LiveEvent(4, content.attachment_created),
    "wiki_page_updated": LiveEvent(3, content.wiki_page_updated),
    "discussion_entry_created": LiveEvent(6, content.discussion_entry_created),
    "submission_created": LiveEvent(12, coursework.submission_created),
    "submission_updated": LiveEvent(8, coursework.submission_updated),
    "quiz_submitted": LiveEvent(3, coursework.quiz_submitted),
    "grade_change": LiveEvent(8, coursework.grade_change),
    "learning_outcome_result_created": LiveEvent(3, coursework.outcome_result_created),
    "course_progress": LiveEvent(20, courses.progress),
    "course_completed": LiveEvent(4, courses.completed),
    "logged_out": LiveEvent(6, people.logged_out),
}
