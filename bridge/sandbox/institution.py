"""The things a university is made of, as Canvas knows them.

Ids are Canvas's local ids; `RootAccount.global_id` gives the form most events carry. Times are
milliseconds since the epoch, UTC. Shelves are bounded: what is too old is forgotten, nobody deletes it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SHARD_SIZE: Final = 10**13
FEW: Final = 12
CLASS: Final = 60


def few() -> deque[Any]:
    """A shelf for a dozen things."""
    return deque(maxlen=FEW)


def full_class() -> deque[Any]:
    """A shelf for everybody in a course."""
    return deque(maxlen=CLASS)


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


@dataclass(slots=True)
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
    created_at: int


@dataclass(slots=True)
class Item:
    """Something somebody made: a page, a quiz, a module, a group, a post, a batch of imports.

    `parent` is what it is in or about, `owner` whose it is, `parts` are ids of what it consists of.
    """

    id: int
    uuid: str
    title: str
    created_at: int
    text: str = ""
    state: str = "active"
    owner: User | None = None
    parent: "Item | None" = None
    parts: tuple[int, ...] = ()


@dataclass(slots=True)
class Department:
    """A sub-account, or the root account as a place where things happen."""

    id: int
    uuid: str
    sis_id: str | None
    name: str
    proficiencies: deque[Item] = field(default_factory=few)
    calculations: deque[Item] = field(default_factory=few)


@dataclass(slots=True)
class Assignment:
    """Something to hand in. `points` is what it is worth, `group` the assignment group it counts in."""

    id: int
    uuid: str
    title: str
    text: str
    points: float
    submission_type: str
    group: Item
    due_at: int


@dataclass(slots=True)
class Enrolment:
    """A person in a section of a course. The scores are of the course as a whole."""

    id: int
    user: User
    section: Item
    created_at: int
    score_id: int
    type: str = "StudentEnrollment"
    watches: User | None = None
    score: float | None = None
    override: float | None = None
    status: int = 0


@dataclass(slots=True)
class Course:
    """A course. `requirements` are the module items a student must complete, in order."""

    id: int
    uuid: str
    lti_id: str
    name: str
    sis_id: str | None
    department: Department
    folder_id: int
    created_at: int
    teacher: User
    requirements: Sequence[int]
    syllabus: str
    sections: deque[Item] = field(default_factory=few)
    enrolments: deque[Enrolment] = field(default_factory=full_class)
    assignment_groups: deque[Item] = field(default_factory=few)
    assignments: deque[Assignment] = field(default_factory=few)
    overrides: deque[Item] = field(default_factory=few)
    quizzes: deque[Item] = field(default_factory=few)
    pages: deque[Item] = field(default_factory=few)
    files: deque[Item] = field(default_factory=few)
    discussions: deque[Item] = field(default_factory=few)
    posts: deque[Item] = field(default_factory=few)
    modules: deque[Item] = field(default_factory=few)
    module_items: deque[Item] = field(default_factory=few)
    group_sets: deque[Item] = field(default_factory=few)
    groups: deque[Item] = field(default_factory=few)
    memberships: deque[Item] = field(default_factory=few)
    outcome_groups: deque[Item] = field(default_factory=few)
    outcomes: deque[Item] = field(default_factory=few)
    outcome_links: deque[Item] = field(default_factory=few)
    plain_words: deque[Item] = field(default_factory=few)
    tool_links: deque[Item] = field(default_factory=few)


@dataclass(slots=True)
class Submission:
    """What a student handed in for an assignment, what it was given, and its place in `CUSTOM_STATUSES`."""

    id: int
    course: Course
    student: User
    assignment: Assignment
    submitted_at: int
    attempt: int = 1
    score: float | None = None
    status: int = 0


@dataclass(slots=True)
class OutcomeResult:
    """How well a submission shows that an outcome is mastered, out of 5."""

    id: int
    submission: Submission
    outcome: Item
    created_at: int
    score: int


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


@dataclass(slots=True)
class Copy:
    """The copy of a course's content into another: a content migration."""

    id: int
    source: Course
    target: Course


@dataclass(slots=True)
class Blueprint:
    """A course that others follow: their subscriptions, and the ids of copies to them that are running."""

    id: int
    course: Course
    followers: deque[tuple[int, Course]] = field(default_factory=few)
    syncs: deque[int] = field(default_factory=few)
