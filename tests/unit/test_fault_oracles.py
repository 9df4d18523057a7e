"""The ledger and the oracles of the fault tests: what they must find, they find."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import CE_ID, Headers
from bridge.identity import event_id
from bridge.sandbox.delivery import Delivery
from bridge.sandbox.senders import Answer
from tests.faults import typed_oracle
from tests.faults.ledger import Ledger
from tests.faults.oracle import RawOracle, RawVerdict
from tests.faults.typed_oracle import TypedOracle, TypedVerdict

PREFIX = "soak."


@dataclass(frozen=True)
class Told:
    """A record as confluent-kafka gives it."""

    name: str
    content: bytes | None
    identity: bytes | None
    said: Headers
    place: tuple[int, int] = (0, 0)

    def topic(self) -> str:
        return self.name

    def value(self) -> bytes | None:
        return self.content

    def key(self) -> bytes | None:
        return self.identity

    def headers(self) -> list[tuple[str, bytes]]:
        return list(self.said)

    def partition(self) -> int:
        return self.place[0]

    def offset(self) -> int:
        return self.place[1]

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_772_438_400_000


def payload(number: int) -> bytes:
    metadata = {"event_name": "logged_in", "event_time": "2026-03-01T09:30:00.125Z"}
    return json.dumps({"metadata": metadata, "body": {"redirect_url": f"https://c.test/{number}"}}).encode()


def raw(number: int, offset: int | None = None) -> Told:
    identity = event_id(payload(number)).encode()
    place = 1, number if offset is None else offset
    return Told(f"{PREFIX}raw", payload(number), identity, ((CE_ID, identity),), place)


def note(path: Path, numbers: Sequence[int], *, accepted: bool = True) -> None:
    with closing(Ledger(path)) as ledger:
        for number in numbers:
            delivery = Delivery(payload(number), None, None)
            answer = Answer(accepted, "202" if accepted else "503", payload(number))
            ledger.send("door", delivery)
            if accepted:
                ledger.accept("door", delivery, answer)
            else:
                ledger.refuse("door", answer, last=True)


def judged(path: Path, records: Sequence[Any]) -> RawVerdict:
    with closing(RawOracle(path)) as oracle:
        oracle.see(records)
        return oracle.verdict()


def test_a_ledger_counts_tries_with_and_without_an_answer(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger")) as ledger:
        delivery = Delivery(payload(1), None, None)
        ledger.send("door", delivery)
        for status in ("503", "timeout", "503", "ClientOSError"):
            ledger.refuse("door", Answer(accepted=False, status=status, payload=payload(1)), last=False)
        assert (ledger.tries(answered=True), ledger.tries(answered=False)) == (2, 2)


def test_what_is_as_it_should_be_is_found_sound(tmp_path: Path) -> None:
    note(tmp_path / "ledger", [1, 2])
    note(tmp_path / "ledger", [2, 3], accepted=False)  # refused, and stored or not: both may be
    verdict = judged(tmp_path / "ledger", [raw(1), raw(2), raw(2, 9)])
    assert verdict == RawVerdict(
        accepted=2, records=3, lost=0, invented=0, altered=0, repeated=1, examples={}
    )
    assert verdict.holds


def changed(record: Told) -> Told:
    return replace(record, content=(record.content or b"") + b" ")


def foreign_key(record: Told) -> Told:
    return replace(record, identity=raw(7).identity)


def foreign_header(record: Told) -> Told:
    return replace(record, said=raw(7).said)


@pytest.mark.parametrize("alter", [changed, foreign_key, foreign_header])
def test_a_payload_or_name_that_is_not_as_it_was_sent_is_altered(
    tmp_path: Path, alter: Callable[[Told], Told]
) -> None:
    note(tmp_path / "ledger", [1])
    verdict = judged(tmp_path / "ledger", [alter(raw(1))])
    assert (verdict.lost, verdict.invented, verdict.altered) == (0, 0, 1)
    assert verdict.examples == {"altered": [event_id(payload(1))]}
    assert not verdict.holds


def test_what_is_missing_is_lost_and_what_was_never_sent_is_invented(tmp_path: Path) -> None:
    note(tmp_path / "ledger", [1, 2])
    verdict = judged(tmp_path / "ledger", [raw(1), raw(3)])
    assert verdict.examples == {"lost": [event_id(payload(2))], "invented": [event_id(payload(3))]}
    assert not verdict.holds


class Chain:
    """Raw records and what came of them, as the oracle of typed records sees it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def ids(_: Any, names: Any, __: Any) -> dict[str, int]:
            return {names.typed("logged_in"): 5, names.unknown: 6}

        monkeypatch.setattr(typed_oracle, "schema_ids", ids)
        self.oracle = TypedOracle(path, PREFIX, "http://127.0.0.1:1")
        self._pipeline = self.oracle._pipeline

    def typed(self, record: Told) -> list[Told]:
        """What a worker writes."""
        outcomes = self._pipeline.run(typed_oracle.raw_event(record))  # type: ignore[arg-type]
        out = [outcome.outgoing for outcome in outcomes]
        return [Told(each.topic, each.value, each.key, each.headers) for each in out]

    def verdict(self, records: Sequence[Any], came: Sequence[Any]) -> TypedVerdict:
        with closing(self.oracle):
            self.oracle.expect(records)
            self.oracle.see(came)
            return self.oracle.verdict()


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    note(tmp_path / "ledger", [1, 2])
    return Chain(tmp_path / "ledger", monkeypatch)


def test_a_repeat_that_is_dropped_and_a_dead_letter_are_sound(tmp_path: Path, chain: Chain) -> None:
    broken = b'{"metadata":{},"body":{}}'
    identity = event_id(broken).encode()
    dead = Told(f"{PREFIX}raw", broken, identity, ((CE_ID, identity),), (2, 0))
    came = [*chain.typed(raw(1)), *chain.typed(raw(2)), *chain.typed(dead)]
    assert [record.name for record in came] == ["soak.logged_in", "soak.logged_in", "soak.dead_letter"]
    verdict = chain.verdict([raw(1), raw(2), raw(2, 9), dead], came)
    assert verdict == TypedVerdict(records=3, lost=0, doubled=0, invented=0, altered=0, examples={})
    assert verdict.holds


def test_an_event_that_did_not_come_out_is_lost(chain: Chain) -> None:
    verdict = chain.verdict([raw(1), raw(2)], chain.typed(raw(1)))
    assert verdict.examples == {"lost": [event_id(payload(2))]}


def test_an_event_that_is_not_even_raw_is_lost(chain: Chain) -> None:
    assert chain.verdict([raw(1)], chain.typed(raw(1))).lost == 1


@pytest.mark.parametrize("offset", [2, 9], ids=["the same record", "a repeat of it"])
def test_an_event_that_came_out_twice_is_doubled(chain: Chain, offset: int) -> None:
    came = [*chain.typed(raw(1)), *chain.typed(raw(2)), *chain.typed(raw(2, offset))]
    verdict = chain.verdict([raw(1), raw(2), raw(2, 9)], came)
    assert verdict.examples == {"doubled": [event_id(payload(2))]}
    assert not verdict.holds


def test_a_record_of_no_raw_record_is_invented(chain: Chain) -> None:
    came = [*chain.typed(raw(1)), *chain.typed(raw(2)), *chain.typed(raw(2, 77))]
    verdict = chain.verdict([raw(1), raw(2)], came)
    assert (verdict.lost, verdict.doubled, verdict.invented, verdict.altered) == (0, 0, 1, 0)


@pytest.mark.parametrize("wrong", [{"content": b"\0"}, {"name": "soak.unknown"}, {"identity": b"7"}], ids=str)
def test_a_record_that_is_not_what_it_must_be_is_altered(chain: Chain, wrong: dict[str, Any]) -> None:
    (good,), (other,) = chain.typed(raw(1)), chain.typed(raw(2))
    verdict = chain.verdict([raw(1), raw(2)], [replace(good, **wrong), other])
    assert (verdict.lost, verdict.doubled, verdict.invented, verdict.altered) == (0, 0, 0, 1)
    assert not verdict.holds
