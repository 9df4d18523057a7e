"""A small university that lives by a seed: what Canvas's events tell of happens here.

Its clock moves only with `tick`, so a seed always tells the same story. However long it lives, it keeps
a bounded number of everything.
"""

from collections import deque
from typing import Any, Final

from bridge.sandbox import phrases
from bridge.sandbox.dice import Dice
from bridge.sandbox.gradebook import Gradebook
from bridge.sandbox.institution import (
    FEW,
    Assignment,
    Blueprint,
    Copy,
    Course,
    Department,
    Enrolment,
    Item,
    OutcomeResult,
    Progress,
    RootAccount,
    Submission,
    User,
    few,
)
from bridge.sandbox.studies import Studies

HOST: Final = "canvas.quillmere.example.edu"
UUID: Final = "QuillmereCanvasInABox0000000000000000001"
ROOT_ACCOUNT: Final = RootAccount(shard=7310, id=1, uuid=UUID, lti_guid=f"{UUID}.{HOST}", host=HOST)
TERM_BEGINS: Final = 1_772_438_400_000  # 2026-03-02T08:00:00Z
DAY: Final = 86_400_000

_MEAN_PAUSE = 20_000  # milliseconds from one event to the next
_MOST_COURSES = 60
_MOST_STUDENTS = 2000


class University:
    """Everybody and everything. Gives more of it as long as one asks."""

    def __init__(self, dice: Dice, start: int = TERM_BEGINS, *, courses: int = 8, students: int = 60) -> None:
        self.dice = dice
        self.now = start
        self._last_id = 1000
        self.account = ROOT_ACCOUNT
        self.root = Department(ROOT_ACCOUNT.id, UUID, None, "Quillmere University")
        self.departments: deque[Department] = few()
        for _ in range(4):
            self.add_department()
        self.admin = self.add_person()
        self.teachers = [self.add_person() for _ in range(5)]
        self.courses: deque[Course] = deque(maxlen=_MOST_COURSES)
        self.students: deque[User] = deque(maxlen=_MOST_STUDENTS)
        self.gradebook = Gradebook()
        self.results: deque[OutcomeResult] = few()
        self.conversations: deque[Item] = few()
        self.imports: deque[Item] = few()
        self.blueprints: deque[Blueprint] = few()
        self.copies: deque[Copy] = few()
        self._studies = Studies(dice, self._freshman)
        for _ in range(courses):
            self.add_course()
        for _ in range(students):
            student = self.add_student()
            for course in dice.sample(self.courses, k=min(3, courses)):
                self.enrol(student, course)

    def tick(self) -> int:
        """Moves the clock on to the next event and returns the new time; no two events share one."""
        self.now += 1 + int(self.dice.expovariate(1 / _MEAN_PAUSE))
        return self.now

    def new_id(self) -> int:
        """A local id nothing else has."""
        self._last_id += self.dice.randint(1, 9)
        return self._last_id

    def global_id(self, local: int) -> str:
        """The global form of a local id."""
        return self.account.global_id(local)

    def add_department(self) -> Department:
        """A new sub-account."""
        name = phrases.department(self.dice)
        self.departments.append(Department(self.new_id(), self.dice.token(40), self._sis_id("D"), name))
        return self.departments[-1]

    def add_person(self) -> User:
        """Somebody new."""
        local = self.new_id()
        return User(
            id=local,
            uuid=self.dice.token(40),
            name=phrases.name(self.dice),
            email=f"user{local}@quillmere.example.edu",
            sis_id=self._sis_id("P"),
            time_zone=self.dice.choice(phrases.TIME_ZONES),
            client_ip=f"203.0.113.{self.dice.randint(1, 254)}",
            user_agent=self.dice.choice(phrases.USER_AGENTS),
            session_id=self.dice.hex(32),
            created_at=self.now,
        )

    def add_student(self) -> User:
        """A new student, enrolled nowhere yet."""
        self.students.append(self.add_person())
        return self.students[-1]

    def anybody(self) -> User:
        """Somebody who has a login; mostly a student."""
        return self.dice.choice(self.students if self.dice.chance(0.9) else self.teachers)

    def add_course(self) -> Course:
        """A new course with its work; one in ten has no modules, so no progress."""
        length = 0 if self.dice.chance(0.1) else self.dice.randint(4, 12)
        course = Course(
            id=self.new_id(),
            uuid=self.dice.token(40),
            lti_id=self.dice.hex(40),
            name=f"{self.dice.choice(phrases.LEVELS)} {self.dice.choice(phrases.FIELDS)}",
            sis_id=self._sis_id("C"),
            department=self.dice.choice(self.departments),
            folder_id=self.new_id(),
            created_at=self.now,
            teacher=self.dice.choice(self.teachers),
            requirements=[self.new_id() for _ in range(length)],
            syllabus=phrases.prose(self.dice),
        )
        self.item(course.sections, "Section", new=True)
        for _ in range(4):
            self.add_assignment(course)
            self.item(course.pages, "Notes", new=True, text=phrases.prose(self.dice))
        words = {"Quiz": course.quizzes, "Discussion": course.discussions, "Outcome": course.outcomes}
        for word, shelf in words.items():
            for _ in range(2):
                self.item(shelf, word, new=True, text=phrases.prose(self.dice))
        self.courses.append(course)
        return course

    def item(self, shelf: deque[Item], word: str, *, new: bool, **details: Any) -> Item:
        """A new thing of the shelf, titled after the word, or one that is there; where none is, a new one."""
        if shelf and not new:
            return self.dice.choice(shelf)
        title = phrases.title(self.dice, word)
        shelf.append(Item(self.new_id(), self.dice.token(40), title, self.now, **details))
        return shelf[-1]

    def fate(self, shelf: deque[Item], item: Item, *, new: bool, first: str = "active") -> str:
        """The state after an event about a thing: now and then an update is its deletion, and it is gone."""
        if new:
            return first
        if self.dice.chance(0.1):
            shelf.remove(item)
            return "deleted"
        return "active"

    def add_assignment(self, course: Course) -> Assignment:
        """A new assignment of a course, due within four weeks."""
        assignment = Assignment(
            id=self.new_id(),
            uuid=self.dice.uuid(),
            title=phrases.title(self.dice),
            text=phrases.prose(self.dice),
            points=self.dice.choice((1, 5, 10, 20, 100, 12.5)),
            submission_type=self.dice.choice(("online_text_entry", "online_upload", "online_url")),
            group=self.item(course.assignment_groups, "Homework", new=False),
            due_at=self.now + self.dice.randint(1, 28) * DAY,
        )
        course.assignments.append(assignment)
        return assignment

    def enrol(self, student: User, course: Course) -> Enrolment:
        """The student joins a section; a course with requirements can be progressed in."""
        section = self.item(course.sections, "Section", new=False)
        course.enrolments.append(Enrolment(self.new_id(), student, section, self.now, self.new_id()))
        if course.requirements:
            self._studies.begin(Progress(student, course))
        return course.enrolments[-1]

    def course(self) -> Course:
        """A course with at least one student."""
        course = self.dice.choice(self.courses)
        if not course.enrolments:
            self.enrol(self.add_student(), course)
        return course

    def student(self, course: Course) -> User:
        """A student of a course."""
        return self.dice.choice(course.enrolments).user

    def submit(self) -> Submission:
        """A student hands in an assignment, for the first time or again."""
        course = self.course()
        student, assignment = self.student(course), self.dice.choice(course.assignments)
        submission = self.gradebook.find(student.id, assignment.id)
        if submission is None:
            submission = Submission(self.new_id(), course, student, assignment, self.now)
            self.gradebook.add(submission)
        else:
            submission.attempt += 1
            submission.submitted_at = self.now
        return submission

    def submission(self) -> Submission:
        """One that was handed in before, for a teacher to look at."""
        return self.dice.choice(self.gradebook) if len(self.gradebook) >= FEW else self.submit()

    def advance(self, *, finish: bool) -> Progress:
        """A student completes requirements: some but not the last, or with `finish` all that are left."""
        return self._studies.advance(self.now, finish=finish)

    def _freshman(self) -> None:
        course = self.dice.choice(self.courses)
        while not course.requirements:
            course = self.add_course()
        self.enrol(self.add_student(), course)

    def _sis_id(self, prefix: str) -> str | None:
        return None if self.dice.chance(0.1) else f"{prefix}-{self.dice.randint(10_000, 99_999)}"
