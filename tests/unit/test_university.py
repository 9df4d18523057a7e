"""The laws of the small university: a seed decides, ids are unique, progress only grows."""

from collections import defaultdict

import pytest

from bridge.sandbox.dice import Dice
from bridge.sandbox.institution import Progress
from bridge.sandbox.phrases import prose, truncate
from bridge.sandbox.studies import DEBOUNCE_MILLISECONDS
from bridge.sandbox.university import ROOT_ACCOUNT, University


def university(seed: int = 1) -> University:
    return University(Dice(f"{seed}/test"))


def snapshot(campus: University) -> list[object]:
    campus.tick()
    return [campus.now, [course.name for course in campus.courses], campus.students, campus.submit()]


def test_the_same_seed_makes_the_same_university_and_another_seed_another_one() -> None:
    assert snapshot(university(1)) == snapshot(university(1))
    assert snapshot(university(1)) != snapshot(university(2))


def test_every_id_is_given_once() -> None:
    campus = university()
    ids = [person.id for person in (campus.admin, *campus.teachers, *campus.students)]
    for course in campus.courses:
        ids += [course.id, course.folder_id, *course.requirements]
        ids += [assignment.id for assignment in course.assignments]
        items = (*course.sections, *course.quizzes, *course.pages, *course.discussions, *course.outcomes)
        ids += [item.id for item in items]
    assert len(ids) == len(set(ids)) > 200


def test_a_global_id_is_the_shard_times_ten_to_the_thirteenth_plus_the_local_id() -> None:
    assert ROOT_ACCOUNT.global_id(565) == f"{ROOT_ACCOUNT.shard}0000000000565"


def test_the_clock_only_goes_forward() -> None:
    campus = university()
    times = [campus.tick() for _ in range(500)]
    assert times == sorted(set(times))


def test_progress_grows_stops_before_the_last_requirement_and_never_resumes_after_it() -> None:
    campus = university(7)
    counts: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    finished: set[tuple[int, int]] = set()
    for _ in range(3000):
        campus.tick()
        finish = campus.dice.chance(0.2)
        progress = campus.advance(finish=finish)
        pair = progress.student.id, progress.course.id
        assert pair not in finished
        assert (progress.left == 0) is finish
        counts[pair].append(progress.completed)
        if finish:
            finished.add(pair)
    assert all(told == sorted(set(told)) for told in counts.values())
    assert max(map(len, counts.values())) > 3
    assert len(finished) > 400


def test_canvas_tells_of_the_progress_of_a_student_in_a_course_every_two_minutes_at_most() -> None:
    campus = university(8)
    told: dict[tuple[int, int], int] = {}
    for _ in range(1000):
        now = campus.tick()
        progress = campus.advance(finish=False)
        pair = progress.student.id, progress.course.id
        assert now - told.get(pair, now - DEBOUNCE_MILLISECONDS) >= DEBOUNCE_MILLISECONDS
        told[pair] = now


def test_nobody_progresses_in_a_course_without_requirements() -> None:
    campus = University(Dice("bare/test"), courses=60)
    courses = [campus.advance(finish=True).course for _ in range(500)]
    assert all(course.requirements for course in courses)
    assert any(not course.requirements for course in campus.courses)


def test_a_second_submission_for_an_assignment_is_another_attempt_at_the_first() -> None:
    campus = university(3)
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    for _ in range(2000):
        campus.tick()
        submission = campus.submit()
        place = submission.student.id, submission.assignment.id
        identity, attempt = seen.get(place, (submission.id, 0))
        assert (submission.id, submission.attempt) == (identity, attempt + 1)
        assert submission.submitted_at == campus.now
        seen[place] = submission.id, submission.attempt
    assert max(attempt for _, attempt in seen.values()) > 1


def test_what_is_left_of_a_course_is_its_open_requirements() -> None:
    campus = university()
    course = next(course for course in campus.courses if course.requirements)
    progress = Progress(campus.students[0], course, completed=1)
    assert progress.left == len(course.requirements) - 1


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two..."),
        ("one two three", 10, "one two..."),
        ("one two three", 9, "one..."),
        ("onetwothree", 8, "onetw..."),
        ("é" * 9, 9, "é" * 9),
    ],
)
def test_a_long_text_is_cut_at_a_space_with_room_for_three_dots(text: str, limit: int, cut: str) -> None:
    assert truncate(text, limit) == cut


def test_prose_is_sometimes_cut_at_8192_characters() -> None:
    texts = [prose(Dice(f"{seed}/prose")) for seed in range(300)]
    cut = [text for text in texts if text.endswith("...")]
    assert cut
    assert all(8100 < len(text) <= 8192 for text in cut)
    assert all(text.startswith("<p>") for text in texts)
