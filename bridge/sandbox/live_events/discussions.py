"""Discussions, announcements, and what is posted in them."""

from functools import partial
from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Course, Item
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    act,
    by_student,
    by_teacher,
    pair,
    run,
    verb,
)
from bridge.sandbox.university import DAY, University


def topic(campus: University, *, new: bool) -> Happening:
    """A teacher or a copied course begins a discussion or announces something; later on it is changed."""
    course = campus.course()
    told = campus.item(course.discussions, "Discussion", new=new, text=phrases.prose(campus.dice))
    state = campus.fate(course.discussions, told, new=new)
    assignment = campus.dice.choice(course.assignments)
    body = {
        "discussion_topic_id": campus.global_id(told.id),
        "is_announcement": told.id % 4 == 0,
        "title": told.title,
        "body": told.text,
        "assignment_id": str(assignment.id) if told.id % 4 == 1 else None,
        "context_id": str(course.id),
        "context_type": "Course",
        "workflow_state": state,
        "lock_at": Moment(told.created_at + 14 * DAY) if told.id % 3 == 0 else None,
        "updated_at": Moment(campus.now),
    }
    name, path = f"discussion_topic_{verb(new=new)}", f"/courses/{course.id}/discussion_topics"
    if new and campus.dice.chance(0.2):
        return run(campus, name, "Canvas::Migration::Worker::CourseCopyWorker#perform", body, course)
    call = f"POST {path}" if new else f"PUT {path}/{told.id}"
    return act(campus, name, by_teacher(course), call, body)


def posted(campus: University) -> Happening:
    """A student posts into a discussion, or answers a post. The ids of posts are local."""
    course = campus.course()
    post = _post(campus, course, new=True)
    return _tell(campus, "discussion_entry_created", course, post, _entry(post))


def submitted(campus: University) -> Happening:
    """A post in a graded discussion counts as a submission."""
    submission = campus.submit()
    post = _post(campus, submission.course, new=True)
    post.owner = submission.student
    body = _entry(post) | {
        "assignment_id": str(submission.assignment.id),
        "submission_id": str(submission.id),
    }
    return _tell(campus, "discussion_entry_submitted", submission.course, post, body)


def changed(campus: University, *, gone: bool) -> Happening:
    """A student rewrites or deletes a post."""
    course = campus.course()
    post = _post(campus, course, new=False)
    if gone:
        course.posts.remove(post)
    else:
        post.text = phrases.prose(campus.dice)
    return _tell(campus, f"discussion_entry_{'deleted' if gone else 'updated'}", course, post, _entry(post))


def _post(campus: University, course: Course, *, new: bool) -> Item:
    topic = campus.item(course.discussions, "Discussion", new=False)
    answered = [post.id for post in course.posts if post.parent is topic]
    parts = (campus.dice.choice(answered),) if answered and campus.dice.chance(0.4) else ()
    details = {"parent": topic, "owner": campus.student(course), "parts": parts}
    return campus.item(course.posts, "Post", new=new, text=phrases.prose(campus.dice), **details)


def _entry(post: Item) -> Body:
    return {
        "user_id": str(post.owner.id) if post.owner else None,
        "created_at": Moment(post.created_at),
        "discussion_entry_id": str(post.id),
        "discussion_topic_id": str(post.parent.id) if post.parent else None,
        "text": post.text,
        "parent_discussion_entry_id": str(post.parts[0]) if post.parts else None,
    }


def _tell(campus: University, event_name: str, course: Course, post: Item, body: Body) -> Happening:
    path = f"/courses/{course.id}/discussion_topics/{body['discussion_topic_id']}/entries"
    answer = f"POST {path}/{post.parts[0]}/replies" if post.parts else f"POST {path}"
    calls = {"updated": f"PUT {path}/{post.id}", "deleted": f"DELETE {path}/{post.id}"}
    student = post.owner or campus.student(course)
    call = calls.get(event_name.rpartition("_")[2], answer)
    return act(campus, event_name, by_student(student, course), call, body)


EVENTS: Final = {
    **pair("discussion_topic", topic),
    "discussion_entry_created": LiveEvent(6, posted),
    "discussion_entry_updated": LiveEvent(1, partial(changed, gone=False)),
    "discussion_entry_deleted": LiveEvent(1, partial(changed, gone=True)),
    "discussion_entry_submitted": LiveEvent(1, submitted),
}
