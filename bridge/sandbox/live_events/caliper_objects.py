"""The Caliper object of each event, made of the fields Canvas JSON has for it."""

from typing import Any, Final

from bridge.contract import iso_time
from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events.base import Body, Happening

EXTENSIONS: Final = "com.instructure.canvas"

Object = dict[str, Any]


def urn(kind: str, identity: str) -> str:
    """Canvas's name of a thing, e.g. `urn:instructure:canvas:course:12340000000000042`."""
    return f"urn:instructure:canvas:{kind}:{identity}"


def assignment(happening: Happening, dice: Dice) -> Object:
    """An assignment; its state is told of updates only."""
    body, updated = happening.body, happening.event_name == "assignment_updated"
    more = {"lock_at": _time(body["lock_at"]), "workflow_state": body["workflow_state"] if updated else None}
    return _thing(
        "assignment",
        body["assignment_id"],
        "AssignableDigitalResource",
        more,
        name=body["title"],
        description=body["description"],
        maxScore=_number(body["points_possible"], dice),
        dateToShow=_time(body["unlock_at"]),
        dateToSubmit=_time(body["due_at"]),
        **{"dateModified" if updated else "dateCreated": _time(body["updated_at"])},
    )


def attachment(happening: Happening, _: Dice) -> Object:
    """A file. Its name in the extensions is that of the URL."""
    body = happening.body
    more = {name: body[name] for name in ("context_id", "context_type", "filename", "folder_id")}
    more |= {"lock_at": _time(body["lock_at"]), "unlock_at": _time(body["unlock_at"])}
    return _thing(
        "attachment",
        body["attachment_id"],
        "Document",
        more,
        name=body["display_name"],
        mediaType=body["content_type"],
        dateCreated=_time(body["updated_at"]),
    )


def course(happening: Happening, _: Dice) -> Object:
    """A course; its state is told of updates only."""
    body = happening.body
    more = {"workflow_state": body["workflow_state"] if happening.event_name == "course_updated" else None}
    return _thing("course", body["course_id"], "CourseOffering", more, name=body["name"])


def syllabus(happening: Happening, _: Dice) -> Object:
    """The syllabus has its course's URN, and no extensions."""
    body, actor = happening.body, happening.where.actor
    document: Object = {"id": urn("course", body["course_id"]), "type": "Document", "name": "Syllabus"}
    if actor:
        creator = urn("user", happening.account.global_id(actor.id))
        document["creators"] = [{"id": creator, "type": "Person"}]
    return {**document, "body": body["syllabus_body"]}


def discussion_entry(happening: Happening, _: Dice) -> Object:
    """A post. Its ids are local, as in Canvas JSON."""
    body = happening.body
    thread = {"id": urn("discussion", body["discussion_topic_id"]), "type": "Thread"}
    return _thing(
        "discussionEntry", body["discussion_entry_id"], "Message", {}, isPartOf=thread, body=body["text"]
    )


def enrollment(happening: Happening, _: Dice) -> Object:
    """An enrolment, whose extensions refer to user, course and section by URN."""
    body = happening.body
    section = f"{body['course_id']}:section:{body['course_section_id']}"
    names = ("limit_privileges_to_course_section", "type", "user_name", "workflow_state")
    more = {name: body[name] for name in names} | {
        "course_id": urn("course", body["course_id"]),
        "course_section_id": urn("course", section),
        "user_id": urn("user", body["user_id"]),
    }
    created = _time(body["created_at"])
    return _thing("enrollment", body["enrollment_id"], "Entity", more, dateCreated=created)


def enrollment_state(happening: Happening, _: Dice) -> Object:
    """An enrolment once more: the extensions say that it is about the state."""
    body = happening.body
    more = {
        name: body[name] for name in ("state", "state_is_current", "restricted_access", "access_is_current")
    }
    more["state_valid_until"] = _time(body["state_valid_until"])
    started = _time(body["state_started_at"])
    return _thing("enrollment", body["enrollment_id"], "Entity", more, startedAtTime=started)


def application(happening: Happening, _: Dice) -> Object:
    """Canvas itself, which one logs in to and out of."""
    canvas: Object = {"id": f"http://{happening.account.host}/", "type": "SoftwareApplication"}
    return {**canvas, "extensions": {EXTENSIONS: happening.body}} if happening.body else canvas


def submission(happening: Happening, _: Dice) -> Object:
    """What was handed in."""
    body = happening.body
    created = happening.event_name == "submission_created"
    return _thing(
        "submission",
        body["submission_id"],
        "Attempt",
        {"submission_type": body["submission_type"], "url": body["url"]},
        **_assigned(body["user_id"], "assignment", body["assignment_id"], "AssignableDigitalResource"),
        count=body["attempt"],
        body=body["body"],
        **{
            "dateCreated" if created else "dateModified": _time(
                body["submitted_at" if created else "updated_at"]
            )
        },
    )


def quiz_attempt(happening: Happening, _: Dice) -> Object:
    """A classic quiz that was handed in by the actor."""
    body, actor = happening.body, happening.where.actor
    student = happening.account.global_id(actor.id) if actor else ""
    return _thing(
        "submission",
        body["submission_id"],
        "Attempt",
        {},
        **_assigned(student, "quiz", body["quiz_id"], "Assessment"),
    )


def graded(happening: Happening, _: Dice) -> Object:
    """The submission that was graded."""
    body = happening.body
    return _thing(
        "submission", body["submission_id"], "Attempt", {"grade": body["grade"]}, **_of_student(body)
    )


def score(happening: Happening, dice: Dice) -> Object:
    """What the grading generated; the attempt in it repeats the object."""
    body = happening.body
    attempt = graded(happening, dice)
    del attempt["extensions"][EXTENSIONS]["entity_id"]
    return {
        "generated": _thing(
            "submission",
            body["submission_id"],
            "Score",
            {"grade": body["grade"]},
            attempt=attempt,
            maxScore=_number(body["points_possible"], dice),
            scoreGiven=_number(body["score"], dice),
            scoredBy=urn("user", body["grader_id"]) if body["grader_id"] else None,
        )
    }


def wiki_page(happening: Happening, _: Dice) -> Object:
    """A page, its text in the extensions."""
    body = happening.body
    return _thing("wikiPage", body["wiki_page_id"], "Page", {"body": body["body"]}, name=body["title"])


def _thing(kind: str, identity: str, type_: str, extensions: Body, /, **fields: Any) -> Object:
    known = {name: value for name, value in extensions.items() if value is not None}
    return {
        "id": urn(kind, identity),
        "type": type_,
        **{name: value for name, value in fields.items() if value is not None},
        "extensions": {EXTENSIONS: {**known, "entity_id": identity}},
    }


def _of_student(body: Body) -> Object:
    assigned = _assigned(body["student_id"], "assignment", body["assignment_id"], "AssignableDigitalResource")
    if body["student_sis_id"]:
        assigned["assignee"]["extensions"] = {EXTENSIONS: {"sis_id": body["student_sis_id"]}}
    return assigned


def _assigned(student: str, kind: str, identity: str, type_: str) -> Object:
    return {
        "assignee": {"id": urn("user", student), "type": "Person"},
        "assignable": {"id": urn(kind, identity), "type": type_},
    }


def _time(moment: int | None) -> str | None:
    return None if moment is None else iso_time(moment)


def _number(value: float, dice: Dice) -> Any:
    # Seen in real feeds beside plain numbers.
    return {"numberStr": str(value)} if dice.chance(0.1) else value
