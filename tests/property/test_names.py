"""Laws of the topic names: legal, reversible, and no two of them meet."""

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.names import MAX_TOPIC_LENGTH, TopicNames, decode, encode, subject

PREFIX = "canvas."
NAMES = TopicNames(PREFIX)
OURS = {NAMES.raw, NAMES.unknown, NAMES.dead_letter, NAMES.rollup("course_progress"), NAMES.rollup("x")}
NEAR = [
    "raw",
    "unknown",
    "dead_letter",
    "rollup",
    "rollup_x",
    "rollup.x",
    "rollup-2ex",
    "rollup_course_progress",
]

# Names of Canvas, names near ours, and any text at all: short enough for a topic, three letters a byte.
event_names = st.one_of(
    st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=60),
    st.text("raw_x.-2e", min_size=1, max_size=12),
    st.sampled_from(NEAR),
    st.text(min_size=1, max_size=20),
)


@given(event_names)
@example("quizzes-lti.grade_changed")
@example("rollup.course_progress")
def test_the_codec_is_reversible(name: str) -> None:
    assert decode(encode(name)) == name


@given(event_names)
def test_every_topic_is_legal_in_kafka(name: str) -> None:
    topic = NAMES.typed(name)
    assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", topic)
    assert topic not in (".", "..")
    assert subject(topic) == f"{topic}-value"


@given(event_names, event_names)
@example("raw", "-72aw")
@example("a.b", "a-2eb")
def test_two_event_names_never_share_a_topic(one: str, other: str) -> None:
    assert (NAMES.typed(one) == NAMES.typed(other)) == (one == other)


@given(event_names, event_names)
def test_kafka_taking_dots_for_underscores_makes_no_two_meet(one: str, other: str) -> None:
    assert (flat(NAMES.typed(one)) == flat(NAMES.typed(other))) == (one == other)


@given(event_names)
@example("raw")
@example("unknown")
@example("dead_letter")
@example("rollup_course_progress")
@example("rollup.course_progress")
def test_no_event_meets_a_topic_of_ours(name: str) -> None:
    assert flat(NAMES.typed(name)) not in {flat(topic) for topic in OURS}


@given(st.text(string.ascii_letters + string.digits + "_-. \u00e9", max_size=30))
@example("raw")
@example("-72aw")
@example("-C3-A9")
@example("-ff")
def test_what_the_codec_does_not_make_it_does_not_read(part: str) -> None:
    try:
        name = decode(part)
    except ValueError:
        return
    assert encode(name) == part


@pytest.mark.parametrize("name", ["course_progress", "grade_change", "rollup", "raw_export", "unknown2"])
def test_a_name_that_meets_nobody_stays_readable(name: str) -> None:
    assert NAMES.typed(name) == PREFIX + name


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("raw", "-72aw"),
        ("dead_letter", "-64ead_letter"),
        ("rollup_x", "-72ollup_x"),
        ("quizzes-lti.grade_changed", "quizzes-2dlti-2egrade_changed"),
        ("Größe", "-47r-c3-b6-c3-9fe"),
    ],
)
def test_escapes_are_bytes_of_utf_8(name: str, part: str) -> None:
    assert encode(name) == part


def test_an_empty_name_has_no_topic() -> None:
    with pytest.raises(ValueError, match="empty"):
        NAMES.typed("")


def test_a_name_kafka_would_not_take_is_refused_with_the_remedy() -> None:
    fits = "a" * (MAX_TOPIC_LENGTH - len(PREFIX))
    assert len(NAMES.typed(fits)) == MAX_TOPIC_LENGTH
    with pytest.raises(ValueError, match="KAFKA_TOPIC_PREFIX"):
        NAMES.typed(fits + "a")


def flat(topic: str) -> str:
    """The topic as Kafka compares it with others: it names its metrics with underscores for dots."""
    return topic.replace(".", "_")
