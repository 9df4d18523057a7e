"""The Caliper objects of what is set, handed in and graded, of the fields Canvas JSON has."""

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events.base import Body, Happening
from bridge.sandbox.live_events.caliper.base import (
    EXTENSIONS,
    Object,
    assigned,
    number,
    saved_at,
    thing,
    time,
    urn,
)

RESOURCE = "AssignableDigitalResource"


def assignment(happening: Happening, dice: Dice) -> Object:
    """An assignment; its state is told of updates only."""
    body, updated = happening.body, happening.event_name == "assignment_updated"
    more = {"lock_at": time(body["lock_at"]), "workflow_state": body["workflow_state"] if updated else None}
    return thing(
        "assignment",
        body["assignment_id"],
        RESOURCE,
        more,
        name=body["title"],
        description=body["description"],
        maxScore=number(body["points_possible"], dice),
        dateToShow=time(body["unlock_at"]),
        dateToSubmit=time(body["due_at"]),
        **saved_at(happening),
    )


def assignment_override(happening: Happening, _: Dice) -> Object:
    """Other dates for some. The day is written as a whole time."""
    body = happening.body
    names = ("assignment_id", "all_day", "type", "course_section_id", "group_id", "workflow_state")
    more = {name: body.get(name) for name in names}
    more |= {"all_day_date": f"{body['all_day_date']}T00:00:00.000Z", "lock_at": time(body["lock_at"])}
    return thing(
        "assignment_override",
        body["assignment_override_id"],
        "Entity",
        more,
        dateToShow=time(body["unlock_at"]),
        dateToSubmit=time(body["due_at"]),
    )


def quiz(happening: Happening, dice: Dice) -> Object:
    """A classic quiz."""
    body = happening.body
    names = ("quiz_type", "time_limit", "access_code", "workflow_state")
    return thing(
        "quiz",
        body["quiz_id"],
        "Assessment",
        {name: body[name] for name in names},
        name=body["title"],
        maxScore=number(body["points_possible"], dice),
        dateToShow=time(body["unlock_at"]),
        dateToSubmit=time(body["due_at"]),
        **saved_at(happening),
    )


def quiz_attempt(happening: Happening, _: Dice) -> Object:
    """A classic quiz that was handed in by the actor."""
    body, actor = happening.body, happening.where.actor
    student = happening.account.global_id(actor.id) if actor else ""
    quiz = assigned(student, "quiz", body["quiz_id"], "Assessment")
    return thing("submission", body["submission_id"], "Attempt", {}, **quiz)


def submission(happening: Happening, _: Dice) -> Object:
    """What was handed in."""
    body = happening.body
    created = happening.event_name == "submission_created"
    saved = {"dateCreated": time(body["submitted_at"])} if created else saved_at(happening)
    return thing(
        "submission",
        body["submission_id"],
        "Attempt",
        {"submission_type": body["submission_type"], "url": body["url"]},
        **assigned(body["user_id"], "assignment", body["assignment_id"], RESOURCE),
        count=body["attempt"],
        body=body["body"],
        **saved,
    )


def graded(happening: Happening, _: Dice) -> Object:
    """The submission that was graded."""
    body = happening.body
    return thing("submission", body["submission_id"], "Attempt", {"grade": body["grade"]}, **_student(body))


def score(happening: Happening, dice: Dice) -> Object:
    """What the grading generated; the attempt in it repeats the object."""
    body = happening.body
    attempt = graded(happening, dice)
    del attempt["extensions"][EXTENSIONS]["entity_id"]
    return {
        "generated": thing(
            "submission",
            body["submission_id"],
            "Score",
            {"grade": body["grade"]},
            attempt=attempt,
            maxScore=number(body["points_possible"], dice),
            scoreGiven=number(body["score"], dice),
            scoredBy=urn("user", body["grader_id"]) if body["grader_id"] else None,
        )
    }


def _student(body: Body) -> Object:
    whom = assigned(body["student_id"], "assignment", body["assignment_id"], RESOURCE)
    if body["student_sis_id"]:
        whom["assignee"]["extensions"] = {EXTENSIONS: {"sis_id": body["student_sis_id"]}}
    return whom
