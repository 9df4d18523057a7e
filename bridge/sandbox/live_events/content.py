"""Pages and files."""

from functools import partial
from typing import Final
from urllib.parse import quote_plus

from bridge.sandbox import phrases
from bridge.sandbox.institution import Course, Item
from bridge.sandbox.live_events.base import (
    STUDENT,
    TEACHER,
    Body,
    Happening,
    LiveEvent,
    Moment,
    Where,
    act,
    by_teacher,
    request,
    run,
    tell,
)
from bridge.sandbox.university import DAY, University

_FILES = {
    "field notes (draft).pdf": "application/pdf",
    "roster.csv": "text/csv",
    "tide-table.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "hafen bei nacht, größe L.jpg": "image/jpeg",
}
_VERBS = {"created": "POST", "updated": "PUT", "deleted": "DELETE"}


def wiki_page_created(campus: University) -> Happening:
    """A teacher writes a page."""
    course = campus.course()
    page = campus.item(course.pages, "Notes", new=True, text=phrases.prose(campus.dice))
    body = {"wiki_page_id": campus.global_id(page.id), "title": page.title, "body": page.text}
    return act(campus, "wiki_page_created", by_teacher(course), f"POST /courses/{course.id}/pages", body)


def wiki_page_updated(campus: University) -> Happening:
    """A teacher rewrites a page, or a content import does."""
    course = campus.course()
    page = campus.item(course.pages, "Notes", new=False)
    old_title, old_text = page.title, page.text
    page.text = phrases.prose(campus.dice)
    if campus.dice.chance(0.3):
        page.title = phrases.title(campus.dice)
    body = {
        "wiki_page_id": campus.global_id(page.id),
        "title": page.title,
        "body": page.text,
        "workflow_state": "active",
        "old_title": old_title if old_title != page.title else None,
        "old_body": old_text,
    }
    if campus.dice.chance(0.2):
        return run(campus, "wiki_page_updated", "ContentMigration#import_content", body, course)
    path = f"/courses/{course.id}/pages/{page.id}"
    saving = request(campus, "PUT", f"/api/v1{path}", f"{path}/edit")
    return tell(campus, "wiki_page_updated", saving, by_teacher(course), body)


def wiki_page_deleted(campus: University) -> Happening:
    """A teacher deletes a page: one of the few deletions with an event of their own."""
    course = campus.course()
    page = campus.item(course.pages, "Notes", new=False)
    course.pages.remove(page)
    body = {"wiki_page_id": campus.global_id(page.id), "title": page.title}
    call = f"DELETE /courses/{course.id}/pages/{page.id}"
    return act(campus, "wiki_page_deleted", by_teacher(course), call, body)


def attachment(campus: University, *, verb: str) -> Happening:
    """Somebody uploads a file to a course, gives it another name, or deletes it."""
    course = campus.course()
    owner = course.teacher if campus.dice.chance(0.5) else campus.student(course)
    file = campus.item(course.files, "File", new=verb == "created", owner=owner)
    owner = file.owner or owner
    old_name = file.text or campus.dice.choice(list(_FILES))
    file.text = campus.dice.choice(list(_FILES)) if verb == "updated" else old_name
    if verb == "deleted":
        course.files.remove(file)
    body = _attachment(campus, course, file)
    if verb == "updated" and file.text != old_name:
        body["old_display_name"] = old_name
    where = Where(owner, TEACHER if owner is course.teacher else STUDENT, course)
    path = "/files/capture" if verb == "created" else f"/files/{file.id}"
    trigger = request(campus, _VERBS[verb], f"/api/v1{path}", f"/courses/{course.id}/files")
    return tell(campus, f"attachment_{verb}", trigger, where, body)


def _attachment(campus: University, course: Course, file: Item) -> Body:
    """Canvas gives the name plain, and once more as in a URL."""
    locked = campus.dice.chance(0.1)
    return {
        "attachment_id": campus.global_id(file.id),
        "user_id": campus.global_id(file.owner.id) if file.owner else None,
        "display_name": file.text,
        "filename": quote_plus(file.text),
        "context_type": "Course",
        "context_id": campus.global_id(course.id),
        "content_type": _FILES[file.text],
        "folder_id": campus.global_id(course.folder_id),
        "unlock_at": Moment(file.created_at + 7 * DAY) if locked else None,
        "lock_at": Moment(file.created_at + 30 * DAY) if locked else None,
        "locked": locked,
        "updated_at": Moment(campus.now),
    }


EVENTS: Final = {
    "wiki_page_created": LiveEvent(1, wiki_page_created),
    "wiki_page_updated": LiveEvent(3, wiki_page_updated),
    "wiki_page_deleted": LiveEvent(1, wiki_page_deleted),
    "attachment_created": LiveEvent(4, partial(attachment, verb="created")),
    "attachment_updated": LiveEvent(1, partial(attachment, verb="updated")),
    "attachment_deleted": LiveEvent(1, partial(attachment, verb="deleted")),
}
