"""External tools in courses, and what Canvas does by itself."""

from typing import Final

from bridge.sandbox.live_events.base import Happening, LiveEvent, act, by_teacher, pair, run, verb
from bridge.sandbox.university import University

TOOL_ID: Final = 93  # the one external tool of the university
TOOL_URL: Final = "https://tools.example.edu/launch"


def resource_link(campus: University, *, new: bool) -> Happening:
    """A teacher puts something of an external tool into a course, changes it, or deletes it."""
    course = campus.course()
    link = campus.item(course.tool_links, "Simulation", new=new)
    body = {
        "resource_link_id": campus.global_id(link.id),
        "resource_link_uuid": link.uuid,
        "lookup_uuid": link.text or campus.dice.uuid(),
        "context_id": campus.global_id(course.id),
        "context_type": "Course",
        "context_external_tool_id": campus.global_id(TOOL_ID),
        "url": f"{TOOL_URL}?item={link.id}",
        "title": link.title,
        "workflow_state": campus.fate(course.tool_links, link, new=new),
    }
    link.text = body["lookup_uuid"]
    call = f"{'POST' if new else 'PUT'} /courses/{course.id}/lti_resource_links"
    return act(campus, f"lti_resource_link_{verb(new=new)}", by_teacher(course), call, body)


def heartbeat(campus: University) -> Happening:
    """Canvas says that it is alive."""
    body = {"environment": "production", "region_code": "nowhere-1", "region": "nowhere"}
    return run(campus, "heartbeat", "Canvas::LiveEvents.heartbeat", body)


def links_scanned(campus: University) -> Happening:
    """A course is looked through for embedded videos, New Quizzes by their own service."""
    body = {
        "scan_id": str(campus.new_id()),
        "canvas_id": campus.global_id(campus.course().id),
        "external_tool_id": str(TOOL_ID),
    }
    return run(campus, "scan_youtube_links", "YoutubeMigrationService.scan", body)


def link_converted(campus: University) -> Happening:
    """An embedded video in a New Quiz is to be replaced."""
    video = campus.dice.token(11)
    body = {
        "resource_id": str(campus.new_id()),
        "resource_type": campus.dice.choice(("Quizzes::Item", "Quizzes::Stimulus")),
        "src": f"https://video.example.com/embed/{video}",
        "field": campus.dice.choice(("item_body", "instructions")),
        "new_html": f'<iframe src="{TOOL_URL}?video={video}"></iframe>',
    }
    return run(campus, "convert_new_quiz_youtube_link", "YoutubeMigrationService.convert", body)


EVENTS: Final = {
    **pair("lti_resource_link", resource_link),
    "heartbeat": LiveEvent(1, heartbeat),
    "scan_youtube_links": LiveEvent(1, links_scanned),
    "convert_new_quiz_youtube_link": LiveEvent(1, link_converted),
}
