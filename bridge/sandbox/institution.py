"""The things a university is made of, as Canvas knows them.

Ids are Canvas's local ids; `RootAccount.global_id` gives the form most events carry. Times are
milliseconds since the epoch, UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

SHARD_SIZE: Final = 10**13


@dataclass(frozen=True, slots=True)
class RootAccount:
    """The institution itself."""

    shard: int
    id: int
    uuid: str
    lti_guid: str
    host: str

    def global_id(self, local: int) -> str:
        """Gives shard * 10^13 + local (Canvas documentation, Event Data Identifiers)."""
        return str(self.shard * SHARD_SIZE + local)


@dataclass(frozen=True, slots=True)
class User:
    """A person with a login. `session_id` is the session of the day."""

    id: int
    uuid: str
    name: str
    email: str
    sis_id: str | None
    time_zone: str | None
    client_ip: str
    user_agent: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Department:
    """A sub-account."""

    id: int
    uuid: str
    sis_id: str | None


@dataclass(slots=True)
class Item:
    """A page, a discussion, a quiz or an outcome of a course."""

    id: int
    title: str
    text: str = ""


@dataclass(slots=True)
class Assignment:
    """Something to hand in. `points` is what it is worth."""

    id: int
    uuid: str
    title: str
    text: str
    points: float
    submission_type: str
    group_id: int
    due_at: int


@dataclass(slots=True)
class Course:
    """A course with one section. `requirements` are the module items a student must complete, in order."""

    id: int
    uuid: str
    name: str
    sis_id: str | None
    department: Department
    section_id: int
    folder_id: int
    created_at: int
    teacher: User
    requirements: Sequence[int]
    syllabus: str
    students: list[User] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    quizzes: list[Item] = field(default_factory=list)
    pages: list[Item] = field(default_factory=list)
    discussions: list[Item] = field(default_factory=list)
    outcomes: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Submission:
    """What a student handed in for an assignment, and what it was given."""

    id: int
    course: Course
    student: User
    assignment: Assignment
    submitted_at: int
    attempt: int = 1
    score: float | None = None


@dataclass(slots=True)
class Progress:
    """How many requirements of a course a student has completed, and when Canvas last told of it."""

    student: User
    course: Course
    completed: int = 0
    told_at: int = 0

    @property
    def left(self) -> int:
        """Requirements still open."""
        return len(self.course.requirements) - self.completed
