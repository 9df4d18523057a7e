"""What was handed in, by whom and for what."""

from bridge.sandbox.institution import Submission

MOST = 10_000  # the oldest are forgotten


class Gradebook:
    """Submissions by student and assignment, in the order in which they were first handed in."""

    def __init__(self) -> None:
        self._submissions: list[Submission] = []
        self._places: dict[tuple[int, int], int] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._submissions)

    def __getitem__(self, place: int) -> Submission:
        return self._submissions[place]

    def find(self, student_id: int, assignment_id: int) -> Submission | None:
        """The submission of a student for an assignment."""
        place = self._places.get((student_id, assignment_id))
        return None if place is None else self._submissions[place]

    def add(self, submission: Submission) -> None:
        """A first attempt, in the place of the oldest submission where the book is full."""
        if len(self._submissions) < MOST:
            self._submissions.append(submission)
        else:
            oldest = self._submissions[self._next]
            del self._places[oldest.student.id, oldest.assignment.id]
            self._submissions[self._next] = submission
        self._places[submission.student.id, submission.assignment.id] = self._next
        self._next = (self._next + 1) % MOST
