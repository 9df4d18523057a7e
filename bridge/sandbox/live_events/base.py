"""What every live event has: that something happened, by whom, where, when and through which request."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bridge.sandbox.institution import Course, Department, RootAccount, User
from bridge.sandbox.university import University

STUDENT = "StudentEnrollment"
TEACHER = "TeacherEnrollment"
ADMIN = "AccountAdmin"

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
    """Who did it, in which role, in which course or department; `masked`: who acts as the actor."""

    actor: User | None = None
    role: str | None = None
    context: Course | Department | None = None
    masked: User | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. `body` has Canvas's field names, and its ids as the event gives them.

    Of what a job did, Canvas JSON tells no actor and seldom the context; Caliper tells the context.
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


def act(campus: University, event_name: str, where: Where, call: str, body: Body) -> Happening:
    """Somebody did it. `call` is a method and the path of a page, whose API the browser asks."""
    method, path = call.split(" ", 1)
    kind = "courses" if isinstance(where.context, Course) else "accounts"
    referrer = f"/{kind}/{where.context.id}" if where.context else None
    return tell(campus, event_name, request(campus, method, f"/api/v1{path}", referrer), where, body)


def run(
    campus: University, event_name: str, tag: str, body: Body, context: Course | Department | None = None
) -> Happening:
    """A background job did it."""
    return tell(campus, event_name, job(campus, tag), Where(context=context), body)


def verb(*, new: bool) -> str:
    """How the name of an event ends."""
    return "created" if new else "updated"


def pair(
    noun: str, happen: Callable[..., Happening], weights: tuple[int, int] = (1, 1)
) -> dict[str, LiveEvent]:
    """Two events of one function, which is asked for something new and for something that is there."""
    return {
        f"{noun}_created": LiveEvent(weights[0], partial(happen, new=True)),
        f"{noun}_updated": LiveEvent(weights[1], partial(happen, new=False)),
    }


def by_admin(campus: University, department: Department) -> Where:
    """The administrator, in a sub-account or in the root account."""
    return Where(campus.admin, ADMIN, department)


def by_teacher(course: Course) -> Where:
    """The course's teacher, in the course."""
    return Where(course.teacher, TEACHER, course)


def by_student(student: User, course: Course) -> Where:
    """A student, in the course."""
    return Where(student, STUDENT, course)
