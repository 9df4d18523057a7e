"""A small university that lives by a seed: what Canvas's events tell of happens here.

Its clock moves only with `tick`, so a seed always tells the same story.
"""

from typing import Final

from bridge.sandbox import phrases
from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import (
    Assignment,
    Course,
    Department,
    Item,
    Progress,
    RootAccount,
    Submission,
    User,
)

HOST: Final = "canvas.quillmere.example.edu"
UUID: Final = "QuillmereCanvasInABox0000000000000000001"
ROOT_ACCOUNT: Final = RootAccount(shard=7310, id=1, uuid=UUID, lti_guid=f"{UUID}.{HOST}", host=HOST)
TERM_BEGINS: Final = 1_772_438_400_000  # 2026-03-02T08:00:00Z
DEBOUNCE_MILLISECONDS: Final = 120_000  # Canvas tells of a student's progress at most so often
DAY: Final = 86_400_000

_MEAN_PAUSE = 20_000  # milliseconds from one event to the next
_OPEN_COURSES = 20  # students on their way through a course, at least


class University:
    """Everybody and everything. Grows as long as one asks for more."""

    def __init__(self, dice: Dice, start: int = TERM_BEGINS, *, courses: int = 8, students: int = 60) -> None:
        self.dice = dice
        self.now = start
        self._last_id = 1000
        self.account = ROOT_ACCOUNT
        self.departments = [Department(self.new_id(), dice.token(40), self._sis_id("D")) for _ in range(4)]
        self.admin = self.add_person()
        self.teachers = [self.add_person() for _ in range(5)]
        self.courses: list[Course] = []
        self.students: list[User] = []
        self.submissions: list[Submission] = []
        self._handed_in: dict[tuple[int, int], Submission] = {}
        self._studying: list[Progress] = []
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
        )

    def add_student(self) -> User:
        """A new student, enrolled nowhere yet."""
        self.students.append(self.add_person())
        return self.students[-1]

    def add_course(self) -> Course:
        """A new course with its work; one in ten has no modules, so no progress."""
        length = 0 if self.dice.chance(0.1) else self.dice.randint(4, 12)
        course = Course(
            id=self.new_id(),
            uuid=self.dice.token(40),
            name=f"{self.dice.choice(phrases.LEVELS)} {self.dice.choice(phrases.FIELDS)}",
            sis_id=self._sis_id("C"),
            department=self.dice.choice(self.departments),
            section_id=self.new_id(),
            folder_id=self.new_id(),
            created_at=self.now,
            teacher=self.dice.choice(self.teachers),
            requirements=[self.new_id() for _ in range(length)],
            syllabus=phrases.prose(self.dice),
        )
        for _ in range(4):
            self.add_assignment(course)
            course.pages.append(Item(self.new_id(), phrases.title(self.dice), phrases.prose(self.dice)))
        for shelf in (course.quizzes, course.discussions, course.outcomes):
            shelf += [Item(self.new_id(), phrases.title(self.dice)) for _ in range(2)]
        self.courses.append(course)
        return course

    def add_assignment(self, course: Course) -> Assignment:
        """A new assignment of a course, due within four weeks."""
        assignment = Assignment(
            id=self.new_id(),
            uuid=self.dice.uuid(),
            title=phrases.title(self.dice),
            text=phrases.prose(self.dice),
            points=self.dice.choice((1, 5, 10, 20, 100, 12.5)),
            submission_type=self.dice.choice(("online_text_entry", "online_upload", "online_url")),
            group_id=self.new_id(),
            due_at=self.now + self.dice.randint(1, 28) * DAY,
        )
        course.assignments.append(assignment)
        return assignment

    def enrol(self, student: User, course: Course) -> None:
        """The student joins the course; one with requirements can be progressed in."""
        course.students.append(student)
        if course.requirements:
            self._studying.append(Progress(student, course))

    def course(self) -> Course:
        """A course with at least one student."""
        course = self.dice.choice(self.courses)
        if not course.students:
            self.enrol(self.add_student(), course)
        return course

    def submit(self) -> Submission:
        """A student hands in an assignment, for the first time or again."""
        course = self.course()
        student, assignment = self.dice.choice(course.students), self.dice.choice(course.assignments)
        submission = self._handed_in.get((student.id, assignment.id))
        if submission is None:
            submission = Submission(self.new_id(), course, student, assignment, self.now)
            self._handed_in[student.id, assignment.id] = submission
            self.submissions.append(submission)
        else:
            submission.attempt += 1
            submission.submitted_at = self.now
        return submission

    def submission(self) -> Submission:
        """One that was handed in before, for a teacher to look at."""
        return self.dice.choice(self.submissions) if self.submissions else self.submit()

    def advance(self, *, finish: bool) -> Progress:
        """A student completes requirements: some but not the last, or with `finish` all that are left.

        Nobody who has finished a course is chosen for it again, so progress only grows.
        """
        while len(self._studying) < _OPEN_COURSES:
            self._freshman()
        if finish:
            progress = self._studying.pop(self._furthest())
            progress.completed += progress.left
        else:
            progress = self._continuing()
            progress.completed += min(progress.left - 1, self.dice.choice((1, 1, 1, 2, 3)))
        progress.told_at = self.now
        return progress

    def _furthest(self) -> int:
        some = self.dice.sample(range(len(self._studying)), k=8)
        return min(some, key=lambda place: self._studying[place].left)

    def _continuing(self) -> Progress:
        for _ in range(8):
            progress = self.dice.choice(self._studying)
            if progress.left > 1 and self.now - progress.told_at >= DEBOUNCE_MILLISECONDS:
                return progress
        return self._freshman()

    def _freshman(self) -> Progress:
        course = self.dice.choice(self.courses)
        while not course.requirements:
            course = self.add_course()
        self.enrol(self.add_student(), course)
        return self._studying[-1]

    def _sis_id(self, prefix: str) -> str | None:
        return None if self.dice.chance(0.1) else f"{prefix}-{self.dice.randint(10_000, 99_999)}"
