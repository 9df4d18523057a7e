"""The audit's sums, over books that are written by hand."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Position
from processors.__main__ import main
from processors.audit.findings import Fate, Findings, Kind
from processors.audit.ledger import (
    NOWHERE,
    Ledger,
    OurRow,
    RawRow,
    long,
    place_of,
    position_of,
    short,
)
from processors.audit.reading import our_row
from processors.audit.report import as_json, print_findings
from processors.audit.sums import Terms, add_up

RAW = "canvas.raw"
WINDOW = 7_200_000
HOUR = 3_600_000
T0 = 490_000 * HOUR


class Books:
    """Raw records of one partition and what came of them; every id is a number."""

    def __init__(self) -> None:
        self.raw: list[RawRow] = []
        self.ours: list[OurRow] = []

    def take(self, number: int, minutes: float = 0, counts: int = 1, partition: int = 0) -> int:
        """A raw record; its offset."""
        time, offset = T0 + int(minutes * 60_000), len(self.raw)
        seen = max([time, *(row.seen for row in self.raw if row.partition == partition)])
        self.raw.append(RawRow(partition, offset, name(number), time, seen, counts))
        return offset

    def give(self, number: int, offset: int | None, kind: Kind = Kind.TYPED, **more: Any) -> None:
        """A record that came of the raw record at an offset."""
        place = NOWHERE if offset is None else place_of(0, offset)
        lineage = more.pop("lineage", None if offset is None else f"{RAW}/0/{offset}")
        position = Position(f"canvas.{kind.name.lower()}", 0, len(self.ours))
        values: dict[str, Any] = {"field": "", "is_replay": False, **more}
        self.ours.append(
            OurRow(name(number), kind, values["field"], place, lineage, T0, position, values["is_replay"])
        )

    def audit(
        self, window: int = WINDOW, low: int = 0, end: int = 10**6, limit: int = 10, kept_since: int = 0
    ) -> Findings:
        ledger = Ledger()
        ledger.add_raw(self.raw)
        ledger.add_ours(self.ours)
        found = add_up(ledger, Terms(RAW, window, {0: low}, {0: end}, limit, kept_since))
        ledger.close()
        return found


def name(number: int) -> bytes:
    return str(UUID(int=number)).encode()


def fates(found: Findings) -> dict[Fate, int]:
    return dict(found.totals)


def test_each_raw_record_counts_once_by_what_became_of_it() -> None:
    books = Books()
    books.give(1, books.take(1))
    books.give(2, books.take(2), Kind.UNKNOWN)
    books.give(3, books.take(3), Kind.DEAD_LETTER)
    replayed = books.take(4)
    books.give(4, replayed, Kind.DEAD_LETTER)
    books.give(40, replayed, is_replay=True)
    books.take(1, 5)
    books.take(6, 6, counts=2)
    books.take(7, -180, counts=0)
    found = books.audit()
    assert fates(found) == {
        Fate.TYPED: 1,
        Fate.UNKNOWN: 1,
        Fate.DEAD_LETTERED: 1,
        Fate.REPLAYED: 1,
        Fate.DUPLICATE: 1,
        Fate.PENDING: 1,
    }
    assert found.adds_up
    assert found.records == {Kind.TYPED: 2, Kind.UNKNOWN: 1, Kind.DEAD_LETTER: 2}


def test_one_of_which_nothing_came_is_missing_and_named() -> None:
    books = Books()
    books.give(1, books.take(1))
    books.take(2, 3)
    found = books.audit()
    assert not found.adds_up
    assert [(item.event_id, str(item.position), item.received_at) for item in found.missing] == [
        (name(2).decode(), "canvas.raw/0/1", T0 + 180_000)
    ]
    assert fates(found) == {Fate.TYPED: 1, Fate.MISSING: 1}


@pytest.mark.parametrize(
    ("minutes", "window", "partition", "fate"),
    [
        (120, WINDOW, 0, Fate.DUPLICATE),
        (120.1, WINDOW, 0, Fate.MISSING),
        (1, WINDOW, 1, Fate.MISSING),
        (0, 0, 0, Fate.MISSING),
    ],
)
def test_a_repeat_is_what_the_worker_takes_for_one(
    minutes: float, window: int, partition: int, fate: Fate
) -> None:
    books = Books()
    books.give(1, books.take(1))
    books.take(1, minutes, partition=partition)
    assert fates(books.audit(window=window))[fate] == 1


def test_a_repeat_of_what_came_before_the_audits_time_is_one() -> None:
    books = Books()
    books.take(1, -60, counts=0)
    books.take(1)
    assert fates(books.audit()) == {Fate.DUPLICATE: 1}


def test_a_late_repeat_of_a_late_record_is_one() -> None:
    books = Books()
    books.give(9, books.take(9, 600))
    books.give(1, books.take(1, 0))
    books.take(1, 1)
    assert fates(books.audit()) == {Fate.TYPED: 2, Fate.DUPLICATE: 1}


def test_the_same_id_twice_in_the_typed_topics_is_doubled() -> None:
    books = Books()
    offset = books.take(1)
    books.give(1, offset)
    books.give(1, offset)
    books.give(2, books.take(2))
    books.give(2, books.take(2, 1))
    found = books.audit()
    assert not found.adds_up
    assert [(item.event_id, [place.offset for place in item.positions]) for item in found.doubled] == [
        (name(1).decode(), [0, 1]),
        (name(2).decode(), [2, 3]),
    ]
    assert found.numbers["missing"] == 0


def test_typed_again_beyond_the_window_is_its_own_class_and_adds_up() -> None:
    books = Books()
    books.give(1, books.take(1))
    books.give(1, books.take(1, 121))
    found = books.audit()
    assert found.adds_up
    assert [item.event_id for item in found.beyond_window] == [name(1).decode()]
    books.give(1, 1)
    found = books.audit()
    assert (found.numbers["beyond_window"], found.numbers["doubled"]) == (0, 1)


def test_an_unknown_event_that_was_typed_later_is_not_doubled_but_replayed_twice_it_is() -> None:
    books = Books()
    offset = books.take(1)
    books.give(1, offset, Kind.UNKNOWN)
    books.give(1, offset, is_replay=True)
    assert books.audit().adds_up
    books.give(1, offset, is_replay=True)
    assert [item.kind for item in books.audit().doubled] == [Kind.TYPED]


def test_several_events_of_one_delivery_are_one_raw_record() -> None:
    books = Books()
    offset = books.take(1)
    for number in range(10, 13):
        books.give(number, offset)
    for index in range(2):
        books.give(1, offset, Kind.DEAD_LETTER, field=f"/data/{index}")
    found = books.audit()
    assert found.adds_up
    assert fates(found) == {Fate.TYPED: 1}
    books.give(1, offset, Kind.DEAD_LETTER, field="/data/0")
    assert [item.kind for item in books.audit().doubled] == [Kind.DEAD_LETTER]


def test_what_comes_of_no_raw_record_is_invented_and_what_expired_is_not() -> None:
    books = Books()
    books.give(1, 3)  # below the first offset that is still there
    books.give(2, 7)
    books.give(3, None)
    books.give(4, 50)  # processed since the audit began
    books.give(5, None, lineage="elsewhere.raw/0/0")
    found = books.audit(low=5, end=50)
    assert found.raw_expired == 1
    assert [(item.event_id, item.lineage) for item in found.invented] == [
        (name(2).decode(), "canvas.raw/0/7"),
        (name(3).decode(), None),
        (name(5).decode(), "elsewhere.raw/0/0"),
    ]
    assert not found.adds_up


def test_where_what_came_of_it_may_have_expired_nothing_is_missing() -> None:
    books = Books()
    books.take(1, 0)
    books.give(2, books.take(2, 1))
    books.take(3, 2)
    found = books.audit(kept_since=T0 + 120_000)
    assert fates(found) == {Fate.TOO_OLD: 1, Fate.TYPED: 1, Fate.MISSING: 1}
    assert [item.position.offset for item in found.missing] == [2]


def test_lists_are_cut_and_numbers_are_not() -> None:
    books = Books()
    for number in range(30):
        books.take(number)
    found = books.audit(limit=4)
    assert (len(found.missing), found.numbers["missing"], found.totals[Fate.MISSING]) == (4, 30, 30)


def test_hours_are_of_receipt_and_sum_up(capsys: pytest.CaptureFixture[str]) -> None:
    books = Books()
    books.give(1, books.take(1))
    books.take(2, 59)
    books.give(3, books.take(3, 60))
    found = books.audit()
    assert {hour - T0: dict(counts) for hour, counts in found.hours.items()} == {
        0: {Fate.TYPED: 1, Fate.MISSING: 1},
        HOUR: {Fate.TYPED: 1},
    }
    print_findings(found)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:3] == ["hour", "raw", "typed"]
    assert printed[3].split() == ["all", "3", "2", "0", "0", "0", "0", "0", "0", "1"]
    assert printed[4].startswith(f"missing: {name(2).decode()} at canvas.raw/0/1, received ")
    assert printed[-1] == "3 raw = 2 typed + 1 missing; it does not add up: 1 missing"
    told = as_json(found)
    assert told["raw"] == 3
    assert [hour["missing"] for hour in told["hours"]] == [1, 0]
    assert told["missing"]["named"][0]["position"] == "canvas.raw/0/1"


def test_nothing_at_all_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    found = Books().audit()
    assert found.adds_up
    print_findings(found)
    assert capsys.readouterr().out.splitlines()[-1] == "0 raw = 0; it adds up"


@given(st.one_of(st.binary(), st.uuids().map(lambda found: str(found).encode())))
def test_a_key_is_kept_so_that_no_two_are_one(key: bytes) -> None:
    kept = short(key)
    assert kept is not None
    assert long(kept) == key.decode("utf-8", "replace")
    assert short(key.upper()) != kept or key.upper() == key


@given(st.integers(0, 2**22), st.integers(0, 2**40 - 1))
def test_a_place_is_partition_and_offset(partition: int, offset: int) -> None:
    assert position_of(place_of(partition, offset), RAW) == Position(RAW, partition, offset)


class Message:
    """What confluent-kafka's message tells."""

    def __init__(self, topic: str, headers: Iterable[tuple[str, bytes]]) -> None:
        self._topic, self._headers = topic, list(headers)

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return 5

    def key(self) -> bytes:
        return b"delivery"

    def timestamp(self) -> tuple[int, int]:
        return 1, T0

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers


def row(topic: str, **headers: bytes) -> OurRow:
    kinds = {"canvas.x": Kind.TYPED, "canvas.dead_letter": Kind.DEAD_LETTER}
    message: Any = Message(topic, {key.replace("__", "."): value for key, value in headers.items()}.items())
    return our_row(message, kinds, RAW)


@pytest.mark.parametrize(
    ("lineage", "place"),
    [
        (b"canvas.raw/3/77", place_of(3, 77)),
        (b"canvas.other/3/77", NOWHERE),
        (b"canvas.raw/3", NOWHERE),
        (b"canvas.raw/-3/77", NOWHERE),
        (b"", NOWHERE),
    ],
)
def test_the_lineage_of_a_typed_record_is_read(lineage: bytes, place: int) -> None:
    found = row("canvas.x", ce_id=b"event", canvas__raw=lineage)
    assert (found.event_id, found.place, found.is_replay) == (b"event", place, False)
    assert row("canvas.x", canvas__replayed__from=b"canvas.dead_letter/0/1").is_replay


def test_the_lineage_of_a_dead_letter_is_read() -> None:
    told = {"topic": RAW.encode(), "partition": b"3", "offset": b"77", "field": b"/body"}
    found = row("canvas.dead_letter", **{f"canvas__errors__{key}": value for key, value in told.items()})
    assert (found.event_id, found.place, found.field) == (b"delivery", place_of(3, 77), "/body")
    assert row("canvas.dead_letter", canvas__errors__topic=RAW.encode()).place == NOWHERE


def test_misuse_is_told_by_the_status() -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["audit", "--from", "yesterday"]).exit_code == 2
    assert "Exit status: 0 it adds up" in runner.invoke(main, ["audit", "--help"]).output
