"""What people look at: by far the most frequent event of a real Canvas."""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote_plus

from bridge.sandbox.institution import Course, Enrolment
from bridge.sandbox.live_events.base import (
    ADMIN,
    Body,
    Happening,
    LiveEvent,
    Where,
    by_student,
    by_teacher,
    request,
    tell,
)
from bridge.sandbox.live_events.tools import TOOL_ID, TOOL_URL
from bridge.sandbox.university import University

# Areas of a course, each with the category Canvas counts it in.
AREAS: Final = {
    "home": "home",
    "assignments": "assignments",
    "modules": "modules",
    "grades": "grades",
    "syllabus": "syllabus",
    "topics": "topics",
    "announcements": "announcements",
    "quizzes": "quizzes",
    "pages": "pages",
    "files": "files",
    "roster": "roster",
}


class Asset(NamedTuple):
    """Something one can look at, and the path of its page. `more` are fields that only this type has."""

    type: str
    id: int
    name: str | None
    category: str
    path: str
    subtype: str | None = None
    more: Body | None = None


def accessed(campus: University) -> Happening:
    """A student or a teacher looks at something in a course; few look at something elsewhere."""
    if campus.dice.chance(0.04):
        return campus.dice.choice((_calendar_read, _outcomes_read))(campus)
    course = campus.course()
    enrolment = campus.dice.choice(course.enrolments)
    asset = campus.dice.choice(IN_COURSES)(campus, course)
    teaches = campus.dice.chance(0.15)
    where = by_teacher(course) if teaches else by_student(enrolment.user, course)
    if not teaches and campus.dice.chance(0.02):
        where = where._replace(masked=campus.admin)
    body = _body(campus, asset, where, None if teaches else enrolment)
    trigger = request(campus, "GET", f"/courses/{course.id}{asset.path}", f"/courses/{course.id}")
    return tell(campus, "asset_accessed", trigger, where, body)


def _body(campus: University, asset: Asset, where: Where, enrolment: Enrolment | None = None) -> Body:
    active = asset.type in ("assignment", "discussion_topic") and campus.dice.chance(0.1)
    return {
        "asset_name": asset.name,
        "asset_type": asset.type,
        "asset_id": campus.global_id(asset.id),
        "asset_subtype": asset.subtype,
        "category": asset.category,
        "role": where.role,
        "level": ("submit" if asset.type == "assignment" else "participate") if active else None,
        **(asset.more or {}),
        "enrollment_id": str(enrolment.id) if enrolment else None,
        "section_id": str(enrolment.section.id) if enrolment else None,
    }


def _calendar_read(campus: University) -> Happening:
    """A program fetches somebody's calendar; nobody is logged in."""
    user = campus.anybody()
    asset = Asset("user", user.id, user.name, "calendar", "", "calendar_feed")
    trigger = request(campus, "GET", f"/feeds/calendars/user_{user.uuid}.ics")
    return tell(campus, "asset_accessed", trigger, Where(), _body(campus, asset, Where()))


def _outcomes_read(campus: University) -> Happening:
    """The administrator looks at the outcomes of a sub-account."""
    department = campus.dice.choice(campus.departments)
    asset = Asset("account", department.id, department.name, "outcomes", "", "outcomes")
    where = Where(campus.admin, ADMIN, department)
    path = f"/accounts/{department.id}/outcomes"
    body = _body(campus, asset, where) | {"role": "AccountUser"}
    return tell(campus, "asset_accessed", request(campus, "GET", path, path), where, body)


def _area(campus: University, course: Course) -> Asset:
    area, category = campus.dice.choice(list(AREAS.items()))
    return Asset("course", course.id, course.name, category, f"/{area}", area)


def _assignment(campus: University, course: Course) -> Asset:
    told = campus.dice.choice(course.assignments)
    return Asset("assignment", told.id, told.title, "assignments", f"/assignments/{told.id}")


def _page(campus: University, course: Course) -> Asset:
    page = campus.item(course.pages, "Notes", new=False)
    return Asset("wiki_page", page.id, page.title, "wiki", f"/pages/{page.id}")


def _discussion(campus: University, course: Course) -> Asset:
    topic = campus.item(course.discussions, "Discussion", new=False)
    return Asset("discussion_topic", topic.id, topic.title, "topics", f"/discussion_topics/{topic.id}")


def _quiz(campus: University, course: Course) -> Asset:
    quiz = campus.item(course.quizzes, "Quiz", new=False)
    return Asset("quizzes:quiz", quiz.id, quiz.title, "quizzes", f"/quizzes/{quiz.id}")


def _file(campus: University, course: Course) -> Asset:
    file = campus.item(course.files, "File", new=False, text="field notes (draft).pdf", owner=course.teacher)
    more = {"filename": quote_plus(file.text), "display_name": file.text}
    return Asset("attachment", file.id, file.text, "files", f"/files/{file.id}?wrap=1", None, more)


def _tool(campus: University, course: Course) -> Asset:
    more = {"url": TOOL_URL, "domain": "tools.example.edu"}
    name, path = "Simulations", f"/external_tools/{TOOL_ID}?display=borderless&lang=en"
    return Asset("context_external_tool", TOOL_ID, name, "external_tools", path, None, more)


def _classmate(campus: University, course: Course) -> Asset:
    """An enrolment has no name."""
    seen = campus.dice.choice(course.enrolments)
    return Asset("enrollment", seen.id, None, "roster", f"/users/{seen.user.id}")


def _outcome(campus: University, course: Course) -> Asset:
    outcome = campus.item(course.outcomes, "Outcome", new=False)
    return Asset("learning_outcome", outcome.id, outcome.title, "outcomes", f"/outcomes/{outcome.id}")


IN_COURSES: Final[tuple[Callable[[University, Course], Asset], ...]] = (
    *(_area, _area, _area, _area, _assignment, _assignment, _page, _page, _discussion),
    *(_quiz, _file, _file, _tool, _classmate, _outcome),
)

EVENTS: Final = {"asset_accessed": LiveEvent(20, accessed)}
