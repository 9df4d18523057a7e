"""Learning outcomes: what students are to learn, in which groups, and how well they have. Ids are local."""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.institution import Course, Item, OutcomeResult
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    Moment,
    act,
    by_teacher,
    pair,
    run,
    verb,
)
from bridge.sandbox.university import University

IMPORT: Final = "OutcomeImport#run"
RATINGS: Final = ((5, "Masters it"), (3, "Meets it"), (1, "Begins"), (0, "No evidence"))


def outcome(campus: University, *, new: bool) -> Happening:
    """A teacher or an import writes down what is to be learned."""
    course = campus.course()
    told = _outcome(campus, course, new=new)
    method = ("highest", "latest", "decaying_average", "n_mastery")[told.id % 4]
    body = _context(course) | {
        "learning_outcome_id": str(told.id),
        "display_name": told.title,
        "short_description": told.title,
        "description": told.text,
        "vendor_guid": f"{course.sis_id}-{told.id}" if course.sis_id else None,
        "calculation_method": method,
        "calculation_int": {"decaying_average": 65, "n_mastery": 3}.get(method),
        "rubric_criterion": _criterion(told),
        "title": told.title,
        "workflow_state": campus.fate(course.outcomes, told, new=new),
        "copied_from_outcome_id": None,
        "original_outcome_root_account_uuid": None,
    }
    return _tell(campus, f"learning_outcome_{verb(new=new)}", course, body)


def _criterion(told: Item) -> Body:
    ratings = [{"description": text, "points": points} for points, text in RATINGS]
    return {"description": told.title, "ratings": ratings, "mastery_points": 3, "points_possible": 5}


def group(campus: University, *, new: bool) -> Happening:
    """Outcomes get a group, within the first group of their course."""
    course = campus.course()
    root = course.outcome_groups[0] if course.outcome_groups else None
    parent = (root.parent or root) if root else None
    told = campus.item(
        course.outcome_groups, "Outcomes", new=new, text=phrases.prose(campus.dice), parent=parent
    )
    body = _context(course) | {
        "learning_outcome_group_id": str(told.id),
        "title": told.title,
        "description": told.text,
        "vendor_guid": None,
        "parent_outcome_group_id": str(told.parent.id) if told.parent else None,
        "parent_outcome_group_context_uuid": course.uuid if told.parent else None,
        "workflow_state": campus.fate(course.outcome_groups, told, new=new),
    }
    return _tell(campus, f"learning_outcome_group_{verb(new=new)}", course, body)


def link(campus: University, *, new: bool) -> Happening:
    """An outcome is put into a group, or taken out again."""
    course = campus.course()
    linked = _outcome(campus, course, new=False)
    within = linked.parent or campus.item(course.outcome_groups, "Outcomes", new=False)
    linked.parent = within
    told = campus.item(course.outcome_links, "Link", new=new, parent=linked)
    linked = told.parent or linked
    body = {
        "learning_outcome_link_id": str(told.id),
        "learning_outcome_id": str(linked.id),
        "learning_outcome_context_uuid": course.uuid,
        "learning_outcome_group_id": str((linked.parent or within).id),
        "learning_outcome_group_context_uuid": course.uuid,
        "context_id": str(course.id),
        "context_type": "Course",
        "workflow_state": campus.fate(course.outcome_links, told, new=new),
    }
    return _tell(campus, f"learning_outcome_link_{verb(new=new)}", course, body)


def result(campus: University, *, new: bool) -> Happening:
    """A job computes how well a student has mastered an outcome, or computes it anew."""
    if new or not campus.results:
        submission = campus.submission()
        told = _outcome(campus, submission.course, new=False)
        score = campus.dice.randint(0, 5)
        campus.results.append(OutcomeResult(campus.new_id(), submission, told, campus.now, score))
    latest = campus.results[-1] if new else campus.dice.choice(campus.results)
    body = _result(campus, latest, latest.score if new else campus.dice.randint(0, 5))
    if not new:
        body["updated_at"] = Moment(campus.now)
    tag = "Quizzes::SubmissionGrader#update_outcomes"
    return run(campus, f"learning_outcome_result_{verb(new=new)}", tag, body, latest.submission.course)


def _result(campus: University, told: OutcomeResult, score: int) -> Body:
    submission, course = told.submission, told.submission.course
    return {
        "id": str(told.id),
        "learning_outcome_id": str(told.outcome.id),
        "learning_outcome_context_uuid": course.uuid,
        "result_context_id": str(course.id),
        "result_context_type": "Course",
        "result_context_uuid": course.uuid,
        "mastery": score >= 3,
        "score": score,
        "created_at": Moment(told.created_at),
        "attempt": submission.attempt,
        "possible": 5,
        "original_score": told.score,
        "original_possible": 5,
        "original_mastery": told.score >= 3,
        "assessed_at": Moment(campus.now),
        "percent": score / 5,
        "workflow_state": "active",
        "user_uuid": submission.student.uuid,
        "associated_asset_id": str(submission.assignment.id),
        "associated_asset_type": "Assignment",
        "artifact_id": str(submission.id),
        "artifact_type": "Submission",
        "artifact_updated_at": Moment(campus.now),
        "artifact_created_at": Moment(submission.submitted_at),
    }


def _outcome(campus: University, course: Course, *, new: bool) -> Item:
    return campus.item(course.outcomes, "Outcome", new=new, text=phrases.prose(campus.dice))


def _context(course: Course) -> Body:
    return {"context_id": str(course.id), "context_type": "Course", "context_uuid": course.uuid}


def _tell(campus: University, event_name: str, course: Course, body: Body) -> Happening:
    if event_name.endswith("updated"):
        body["updated_at"] = Moment(campus.now)
    if campus.dice.chance(0.4):
        return run(campus, event_name, IMPORT, body, course)
    call = f"POST /courses/{course.id}/outcome_groups"
    return act(campus, event_name, by_teacher(course), call, body)


EVENTS: Final = {
    **pair("learning_outcome_group", group),
    **pair("learning_outcome", outcome),
    **pair("learning_outcome_link", link),
    **pair("learning_outcome_result", result, (3, 1)),
}
