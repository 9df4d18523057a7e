"""The Caliper objects of courses and what is in them, of the fields Canvas JSON has."""

from typing import Final

from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Course, Department
from bridge.sandbox.live_events.base import Happening, Request
from bridge.sandbox.live_events.caliper.base import Object, saved_at, thing, time, urn

# Kind and type of assets that Caliper has better words for than Canvas's own.
ASSETS: Final = {
    "assignment": ("assignment", "AssignableDigitalResource"),
    "wiki_page": ("wikiPage", "Page"),
    "discussion_topic": ("discussion", "Thread"),
}


def course(happening: Happening, _: Dice) -> Object:
    """A course; its state is told of updates only."""
    body = happening.body
    more = {"workflow_state": body["workflow_state"] if happening.event_name == "course_updated" else None}
    return thing("course", body["course_id"], "CourseOffering", more, name=body["name"])


def syllabus(happening: Happening, _: Dice) -> Object:
    """The syllabus has its course's URN, and no extensions."""
    body, actor = happening.body, happening.where.actor
    document: Object = {"id": urn("course", body["course_id"]), "type": "Document", "name": "Syllabus"}
    if actor:
        creator = urn("user", happening.account.global_id(actor.id))
        document["creators"] = [{"id": creator, "type": "Person"}]
    return {**document, "body": body["syllabus_body"]}


def attachment(happening: Happening, _: Dice) -> Object:
    """A file. Its name in the extensions is that of the URL."""
    body = happening.body
    more = {name: body[name] for name in ("context_id", "context_type", "filename", "folder_id")}
    more |= {"lock_at": time(body["lock_at"]), "unlock_at": time(body["unlock_at"])}
    return thing(
        "attachment",
        body["attachment_id"],
        "Document",
        more,
        name=body["display_name"],
        mediaType=body["content_type"],
        **saved_at(happening),
    )


def wiki_page(happening: Happening, _: Dice) -> Object:
    """A page, its text in the extensions; of a deleted one there is none."""
    body = happening.body
    return thing("wikiPage", body["wiki_page_id"], "Page", {"body": body.get("body")}, name=body["title"])


def discussion_topic(happening: Happening, _: Dice) -> Object:
    """A discussion or an announcement, without its text."""
    body = happening.body
    more = {"is_announcement": body["is_announcement"]}
    return thing("discussion", body["discussion_topic_id"], "Thread", more, name=body["title"])


def discussion_entry(happening: Happening, _: Dice) -> Object:
    """A post. Its ids are local, as in Canvas JSON."""
    body = happening.body
    thread = {"id": urn("discussion", body["discussion_topic_id"]), "type": "Thread"}
    return thing(
        "discussionEntry", body["discussion_entry_id"], "Message", {}, isPartOf=thread, body=body["text"]
    )


def asset(happening: Happening, _: Dice) -> Object:
    """What somebody looked at; what only metadata has of the request stands here too."""
    body, trigger, place = happening.body, happening.trigger, happening.where.context
    kind, type_ = ASSETS.get(body["asset_type"], (body["asset_type"], "Entity"))
    names = ("asset_name", "asset_type", "asset_subtype", "filename", "display_name", "url", "domain")
    more = {name: body.get(name) for name in names}
    if isinstance(trigger, Request):
        more |= {"http_method": trigger.method, "developer_key_id": trigger.developer_key_id}
    if isinstance(place, Course | Department):
        account = place.department if isinstance(place, Course) else place
        more["context_account_id"] = happening.account.global_id(account.id)
    name = body["asset_subtype"] or body["asset_type"] if type_ == "Entity" else None
    return thing(kind, body["asset_id"], type_, more, name=name)
