"""Pages, files and discussions."""

from urllib.parse import quote_plus

from bridge.sandbox import phrases
from bridge.sandbox.live_events.base import (
    STUDENT,
    TEACHER,
    Happening,
    Moment,
    Where,
    by_student,
    by_teacher,
    job,
    request,
    tell,
)
from bridge.sandbox.university import DAY, University

_FILES = (
    ("field notes (draft).pdf", "application/pdf"),
    ("roster.csv", "text/csv"),
    ("tide-table.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("hafen bei nacht, größe L.jpg", "image/jpeg"),
)


def wiki_page_updated(campus: University) -> Happening:
    """A teacher rewrites a page, or a content import does."""
    course = campus.course()
    page = campus.dice.choice(course.pages)
    old_title, old_text = page.title, page.text
    page.text = phrases.prose(campus.dice)
    if campus.dice.chance(0.3):
        page.title = phrases.title(campus.dice)
    body = {
        "wiki_page_id": campus.account.global_id(page.id),
        "title": page.title,
        "body": page.text,
        "workflow_state": "active",
        "old_title": old_title if old_title != page.title else None,
        "old_body": old_text,
    }
    if campus.dice.chance(0.2):
        trigger = job(campus, "ContentMigration#import_content")
        return tell(campus, "wiki_page_updated", trigger, Where(context=course), body)
    path = f"/courses/{course.id}/pages/{page.id}"
    saving = request(campus, "PUT", f"/api/v1{path}", f"{path}/edit")
    return tell(campus, "wiki_page_updated", saving, by_teacher(course), body)


def attachment_created(campus: University) -> Happening:
    """Somebody uploads a file to a course. Canvas gives its name plain, and once more as in a URL."""
    course, account = campus.course(), campus.account
    teaches = campus.dice.chance(0.5)
    uploader = course.teacher if teaches else campus.dice.choice(course.students)
    name, content_type = campus.dice.choice(_FILES)
    locked = campus.dice.chance(0.1)
    body = {
        "attachment_id": account.global_id(campus.new_id()),
        "user_id": account.global_id(uploader.id),
        "display_name": name,
        "filename": quote_plus(name),
        "context_type": "Course",
        "context_id": account.global_id(course.id),
        "content_type": content_type,
        "folder_id": account.global_id(course.folder_id),
        "unlock_at": Moment(campus.now + 7 * DAY) if locked else None,
        "lock_at": Moment(campus.now + 30 * DAY) if locked else None,
        "locked": locked,
        "updated_at": Moment(campus.now),
    }
    trigger = request(campus, "POST", "/api/v1/files/capture", f"/courses/{course.id}/files")
    where = Where(uploader, TEACHER if teaches else STUDENT, course)
    return tell(campus, "attachment_created", trigger, where, body)


def discussion_entry_created(campus: University) -> Happening:
    """A student posts into a discussion, or answers a post. The ids are local."""
    course = campus.course()
    topic, student = campus.dice.choice(course.discussions), campus.dice.choice(course.students)
    entry, parent = campus.new_id(), campus.new_id() if campus.dice.chance(0.4) else None
    path = f"/courses/{course.id}/discussion_topics/{topic.id}"
    replies = f"/entries/{parent}/replies" if parent else "/entries"
    body = {
        "user_id": str(student.id),
        "created_at": Moment(campus.now),
        "discussion_entry_id": str(entry),
        "discussion_topic_id": str(topic.id),
        "text": phrases.prose(campus.dice),
        "parent_discussion_entry_id": str(parent) if parent else None,
    }
    trigger = request(campus, "POST", f"/api/v1{path}{replies}", path)
    return tell(campus, "discussion_entry_created", trigger, by_student(student, course), body)
