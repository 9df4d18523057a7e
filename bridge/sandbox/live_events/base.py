"""What every live event has: that something happened, by whom, where, when and through which request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bridge.sandbox.institution import Course, Department, RootAccount, User
from bridge.sandbox.university import University

STUDENT = "StudentEnrollment"
TEACHER = "TeacherEnrollment"

Body = dict[str, Any]


class Moment(int):
    """A time in a body, in milliseconds since the epoch, which each format writes in its own way."""

    __slots__ = ()


class Request(NamedTuple):
    """A request to Canvas. `path` begins with `/` and may have a query; `referrer` is a whole address."""

    id: str
    method: str
    path: str
    referrer: str | None = None
    developer_key_id: str | None = None


class Job(NamedTuple):
    """A background job of Canvas's."""

    id: str
    tag: str


class Where(NamedTuple):
    """Who did it, in which role, in which course or department."""

    actor: User | None = None
    role: str | None = None
    context: Course | Department | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. `body` has Canvas's field names, and its ids as the event gives them.

    Of what a job did, Canvas JSON tells neither actor nor context; Caliper tells the context.
    """

    event_name: str
    trigger: Request | Job
    where: Where
    body: Body
    time: int
    account: RootAccount


Happen = Callable[[University], Happening]
Sequel = Callable[[University, Happening], Happening]


class LiveEvent(NamedTuple):
    """How often an event happens against the others, what makes it happen, and what Canvas tells next."""

    weight: int
    happen: Happen
    sequel: Sequel | None = None


def tell(campus: University, event_name: str, trigger: Request | Job, where: Where, body: Body) -> Happening:
    """What happened, at the university's present time."""
    return Happening(event_name, trigger, where, body, campus.now, campus.account)


def request(campus: University, method: str, path: str, referrer: str | None = None) -> Request:
    """A request of a browser or, one in eight, of an API client: with a developer key and no referrer."""
    identity = campus.dice.uuid()
    if campus.dice.chance(0.125):
        return Request(identity, method, path, None, campus.account.global_id(57))
    return Request(identity, method, path, f"https://{campus.account.host}{referrer}" if referrer else None)


def job(campus: University, tag: str) -> Job:
    """A background job with an id of its own."""
    return Job(str(10**15 + campus.dice.getrandbits(49)), tag)


def by_teacher(course: Course) -> Where:
    """The course's teacher, in the course."""
    return Where(course.teacher, TEACHER, course)


def by_student(student: User, course: Course) -> Where:
    """A student, in the course."""
    return Where(student, STUDENT, course)
