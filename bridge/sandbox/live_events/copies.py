"""Content that leaves a course or is copied into another one, New Quizzes with it."""

from typing import Final

from bridge.sandbox.institution import Copy
from bridge.sandbox.live_events.base import (
    Body,
    Happening,
    LiveEvent,
    Moment,
    act,
    by_teacher,
    run,
)
from bridge.sandbox.university import University

_IMPORT = "ContentMigration#import_content"


def started(campus: University) -> Happening:
    """The content of a course begins to be copied into another."""
    campus.copies.append(_copy(campus))
    copy = campus.copies[-1]
    return run(campus, "content_migration_started", _IMPORT, _migration(campus, copy), copy.target)


def completed(campus: University) -> Happening:
    """The copy is done; Canvas tells where it says what became of each thing."""
    copy = campus.copies.popleft() if campus.copies else _copy(campus)
    body = _migration(campus, copy) | {"resource_map_url": _map_url(campus, copy)}
    return run(campus, "content_migration_completed", _IMPORT, body, copy.target)


def exported(campus: University) -> Happening:
    """A teacher exports a course, or one of its quizzes."""
    course = campus.course()
    quiz = campus.dice.choice(course.assignments)
    chosen = {"selected_content": {"assignments": {f"assignment_{quiz.id}": "1"}}, "referenced_files": {}}
    body = {
        "content_export_id": campus.global_id(campus.new_id()),
        "export_type": campus.dice.choice(("common_cartridge", "quizzes2", "zip")),
        "created_at": Moment(campus.now),
        "context_id": str(course.id),
        "context_uuid": course.uuid,
        "context_type": "Course",
        "settings": chosen,
    }
    call = f"POST /courses/{course.id}/content_exports"
    return act(campus, "content_export_created", by_teacher(course), call, body)


def quiz_exported(campus: University) -> Happening:
    """A classic quiz is ready to become a New Quiz: a job has written it as QTI."""
    course = campus.course()
    assignment = campus.dice.choice(course.assignments)
    body = {
        "content_export_id": f"content-export-{campus.global_id(campus.new_id())}",
        "assignment": {
            "resource_link_id": campus.dice.hex(40),
            "assignment_id": campus.global_id(assignment.id),
            "title": assignment.title,
            "context_title": course.name,
            "course_uuid": course.uuid,
        },
        "qti_export": {"url": f"https://files.example.edu/exports/{campus.dice.hex(16)}.zip?expires=3600"},
    }
    return run(campus, "quiz_export_complete", "ContentExport#export", body, course)


def quiz_duplicated(campus: University) -> Happening:
    """A copied course has New Quizzes, which their own service is now to copy."""
    copy = _copy(campus)
    body = _courses(campus, copy) | {
        "new_course_resource_link_id": copy.target.lti_id,
        "new_course_name": copy.target.name,
        "created_on_blueprint_sync": False,
        "remove_alignments": False,
        "status": "duplicating",
    }
    return run(campus, "quizzes_next_quiz_duplicated", _IMPORT, body, copy.target)


def urls_migrated(campus: University) -> Happening:
    """The addresses within copied New Quizzes have been brought up to date."""
    copy = _copy(campus)
    body = _courses(campus, copy) | {"migrated_urls_content_migration_id": campus.global_id(copy.id)}
    return run(campus, "quizzes_next_migration_urls_complete", _IMPORT, body, copy.target)


def alignment_retried(campus: University) -> Happening:
    """A teacher has the outcomes of a copied New Quiz copied once more, as they failed to be."""
    copy = _copy(campus)
    body = {
        "domain": campus.account.host,
        "new_assignment_resource_link_id": campus.dice.hex(40),
        "new_course_resource_link_id": copy.target.lti_id,
        "new_course_uuid": copy.target.uuid,
        "original_assignment_resource_link_id": campus.dice.hex(40),
        "original_course_uuid": copy.source.uuid,
        "status": "outcome_alignment_cloning",
    }
    assignment = campus.dice.choice(copy.target.assignments)
    call = f"POST /courses/{copy.target.id}/assignments/{assignment.id}/retry_alignment_clone"
    return act(campus, "outcomes.retry_outcome_alignment_clone", by_teacher(copy.target), call, body)


def _copy(campus: University) -> Copy:
    source = campus.course()
    targets = [course for course in campus.courses if course is not source]
    return Copy(campus.new_id(), source, campus.dice.choice(targets))


def _migration(campus: University, copy: Copy) -> Body:
    source, target = copy.source, copy.target
    return {
        "content_migration_id": campus.global_id(copy.id),
        "context_id": campus.global_id(target.id),
        "context_type": "Course",
        "lti_context_id": target.lti_id,
        "context_uuid": target.uuid,
        "import_quizzes_next": copy.id % 3 == 0,
        "source_course_lti_id": source.lti_id,
        "source_course_uuid": source.uuid,
        "destination_course_lti_id": target.lti_id,
        "migration_type": "course_copy_importer",
        "domain": campus.account.host,
    }


def _courses(campus: University, copy: Copy) -> Body:
    return {
        "original_course_uuid": copy.source.uuid,
        "new_course_uuid": copy.target.uuid,
        "domain": campus.account.host,
        "resource_map_url": _map_url(campus, copy),
    }


def _map_url(campus: University, copy: Copy) -> str:
    return f"https://{campus.account.host}/courses/{copy.target.id}/content_migrations/{copy.id}/map.json"


EVENTS: Final = {
    "content_export_created": LiveEvent(1, exported),
    "content_migration_started": LiveEvent(1, started),
    "content_migration_completed": LiveEvent(1, completed),
    "quiz_export_complete": LiveEvent(1, quiz_exported),
    "quizzes_next_quiz_duplicated": LiveEvent(1, quiz_duplicated),
    "quizzes_next_migration_urls_complete": LiveEvent(1, urls_migrated),
    "outcomes.retry_outcome_alignment_clone": LiveEvent(1, alignment_retried),
}
