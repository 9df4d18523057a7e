"""A replay: what is wanted, what is there, what is written, in which order, and what is said of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from bridge.contract import Position, RawEvent
from bridge.identity import event_id
from processors.failures import Failure, Reason, Stage
from processors.pipeline import Pipeline
from processors.records import OutgoingRecord
from processors.replay import replay as replay_module
from processors.replay.raw_command import Rederivation
from processors.replay.reading import Span
from processors.replay.redelivery import Decision, Redelivery, Verdict
from processors.replay.replay import Replay, Source
from processors.replay.report import Report
from tests.integration.worker_process import delivery
from tests.planted import FAN_OUT
from tests.samples import CATALOGUE, RECEIVED_AT
from tests.unit.letters import KafkaRecord
from tests.unit.told_client import RECORDS

PIPELINE = Pipeline(CATALOGUE, FAN_OUT)
RAW, TYPED = "canvas.raw", "canvas.course_updated"


def raw_record(payload: Any, offset: int, received_at: int = RECEIVED_AT) -> KafkaRecord:
    value = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    record = OutgoingRecord(RAW, event_id(value).encode(), value, (), received_at)
    return KafkaRecord(record, Position(RAW, 0, offset))


@dataclass
class Kafka:
    """Stands for reader and writer: topics in memory, and what was done, in order."""

    topics: dict[str, list[KafkaRecord]] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)
    kafka: Any = None
    before_second_pass: Callable[[], None] = lambda: None

    def batches(self, topics: Sequence[str], span: Span, doing: str) -> Iterator[list[KafkaRecord]]:
        self.done.append((doing, list(topics), span))
        if doing in ("Writing", "Comparing"):
            self.before_second_pass()
        for topic in topics:
            for message in list(self.topics.get(topic, [])):
                yield [message]

    def open(self) -> None:
        self.done.append("open")

    def write(self, records: Sequence[OutgoingRecord]) -> None:
        for record in records:
            self.topics.setdefault(record.topic, []).append(KafkaRecord(record, Position(record.topic, 0, 0)))

    def close(self) -> None:
        self.done.append("close")


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    kafka = Kafka()
    monkeypatch.setattr(replay_module, "kept_since", lambda *_: {})
    monkeypatch.setattr(replay_module, "wait_until_decided", lambda *_: kafka.done.append("decided"))
    return kafka


def run(kafka: Kafka, *, dry: bool = False, keeps_failures: bool = False) -> list[Decision]:
    reader: Any = kafka
    redeliver = Rederivation(PIPELINE).redeliver
    source = Source(RAW, Span(), redeliver, keeps_failures=keeps_failures, look_back=5000)
    replay = Replay(reader, source, None if dry else kafka)
    decisions = list(replay.run())
    replay.close()
    return decisions


def verdicts(decisions: list[Decision]) -> list[Verdict]:
    return [decision.verdict for decision in decisions]


def test_what_is_missing_is_written_once_and_the_rest_is_told(kafka: Kafka) -> None:
    kafka.topics[RAW] = [
        raw_record(delivery(1), 0),
        raw_record(delivery(2), 1, RECEIVED_AT - 1000),
        raw_record(delivery(1), 2),
        raw_record(b"no JSON", 3),
    ]
    assert verdicts(run(kafka)) == [Verdict.REPLAYED, Verdict.REPLAYED, Verdict.REPEATED, Verdict.FAILING]
    assert [step[0] if isinstance(step, tuple) else step for step in kafka.done] == [
        *("Converting", "open", "decided", "Looking up", "Writing", "close")
    ]
    # From the earliest time of receipt on, less the window of repeats.
    assert kafka.done[3] == ("Looking up", [TYPED], Span(RECEIVED_AT - 1000 - 5000))
    told = [dict(message.headers()) for message in kafka.topics[TYPED]]
    assert [headers["canvas.replayed.from"] for headers in told] == [b"canvas.raw/0/0", b"canvas.raw/0/1"]
    assert [message.timestamp()[1] for message in kafka.topics[TYPED]] == [RECEIVED_AT, RECEIVED_AT - 1000]
    assert verdicts(run(kafka)) == [Verdict.THERE, Verdict.THERE, Verdict.THERE, Verdict.FAILING]
    assert len(kafka.topics[TYPED]) == 2


def test_a_dry_run_decides_the_same_and_neither_opens_nor_writes(kafka: Kafka) -> None:
    kafka.topics[RAW] = [raw_record(delivery(1), 0)]
    assert verdicts(run(kafka, dry=True)) == [Verdict.REPLAYED]
    assert "open" not in kafka.done
    assert TYPED not in kafka.topics


def test_an_event_in_another_topic_is_not_there(kafka: Kafka) -> None:
    """What was unknown before its schema came goes into its typed topic, though canvas.unknown has it."""
    run_before = raw_record(delivery(1), 0)
    kafka.topics[RAW] = [run_before, raw_record({"metadata": {"event_name": "never_heard_of"}}, 1)]
    (outcome,) = PIPELINE.run(RawEvent(run_before.value(), run_before.key(), (), RECEIVED_AT))
    stray = OutgoingRecord("canvas.unknown", b"", b"", outcome.outgoing.headers, RECEIVED_AT)
    kafka.topics["canvas.unknown"] = [KafkaRecord(stray, Position("canvas.unknown", 0, 0))]
    assert verdicts(run(kafka)) == [Verdict.REPLAYED, Verdict.REPLAYED]


def test_what_comes_between_the_passes_is_left_for_the_next_run(kafka: Kafka) -> None:
    kafka.topics[RAW] = [raw_record(delivery(1), 0)]
    kafka.before_second_pass = lambda: kafka.topics[RAW].append(raw_record(delivery(2), 1))
    assert verdicts(run(kafka)) == [Verdict.REPLAYED, Verdict.LATE]
    assert len(kafka.topics[TYPED]) == 1


def test_what_its_topic_no_longer_keeps_is_not_written(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "kept_since", lambda *_: {TYPED: RECEIVED_AT})
    kafka.topics[RAW] = [raw_record(delivery(1), 0), raw_record(delivery(2), 1, RECEIVED_AT - 1)]
    assert verdicts(run(kafka)) == [Verdict.REPLAYED, Verdict.TOO_OLD]


def test_nothing_to_write_shuts_nobody_out(kafka: Kafka) -> None:
    kafka.topics[RAW] = [raw_record(b"no JSON", 0)]
    assert verdicts(run(kafka)) == [Verdict.FAILING]
    assert "open" not in kafka.done


def test_dead_letters_are_written_once_too_where_they_are_kept(kafka: Kafka) -> None:
    kafka.topics[RAW] = [raw_record(b"no JSON", 0), raw_record({"data": [1, 2], "sensor": ""}, 1)]
    assert verdicts(run(kafka, keeps_failures=True)) == [Verdict.REPLAYED] * 3
    assert verdicts(run(kafka, keeps_failures=True)) == [Verdict.THERE] * 3
    assert len(kafka.topics["canvas.dead_letter"]) == 3


def test_what_the_workers_have_not_processed_is_left_to_them() -> None:
    chosen = Rederivation(PIPELINE, until={0: 5})
    found: list[Any] = [
        chosen.redeliver(record)  # type: ignore[arg-type]
        for record in (raw_record(delivery(1), 4), raw_record(delivery(1), 5))
    ]
    assert [(item.pending, len(item.outcomes)) for item in found] == [(False, 1), (True, 0)]
    nobody: Any = Rederivation(PIPELINE, until={}).redeliver(raw_record(delivery(1), 0))  # type: ignore[arg-type]
    assert nobody.pending


def test_only_the_named_events_are_derived_again(kafka: Kafka) -> None:
    chosen = Rederivation(PIPELINE, ("course_updated", "never_heard_of"))
    found = [
        len(chosen.redeliver(record).outcomes)  # type: ignore[arg-type]
        for record in (
            raw_record(delivery(1), 0),
            raw_record({"metadata": {"event_name": "never_heard_of"}}, 1),
            raw_record({"metadata": {"event_name": "other"}}, 1),
            raw_record({"metadata": {"event_name": "course_updated"}}, 1),
            raw_record(b"no JSON", 2),
        )
    ]
    assert found == [1, 1, 0, 1, 0]


def decision(verdict: Verdict, **more: Any) -> Decision:
    raw = RawEvent(b"{}", b"k", (), RECEIVED_AT)
    return Decision(Redelivery(Position("canvas.dead_letter", 0, 1), raw, ()), verdict, **more)


DONE = (Verdict.REPLAYED, Verdict.THERE, Verdict.REPEATED, Verdict.PENDING)
FAILED = Failure(Stage.VALIDATE, Reason.INVALID_JSON, "unexpected end")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_exit_status_is_0_only_where_everything_is_there(verdict: Verdict) -> None:
    report = Report(CATALOGUE, dry_run=False)
    report.note(decision(Verdict.REPLAYED))
    report.note(decision(verdict))
    assert report.status == (0 if verdict in DONE else 1)


def test_the_end_tells_counts_topics_reasons_and_remedies(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(CATALOGUE, dry_run=True)
    for item in (
        decision(Verdict.REPLAYED, record=RECORDS[0]),
        decision(Verdict.THERE),
        decision(Verdict.FAILING, failure=FAILED),
        decision(Verdict.TOO_OLD),
    ):
        report.note(item)
    report.conclude("")
    assert capsys.readouterr().out == (
        "4 events: 1 would be replayed, 1 there already, 1 too old for its topic, 1 still failing; "
        "dry run, nothing was written\n"
        "  into: canvas.a 1\n"
        "  still failing: invalid_json 1\n"
        "  too old for its topic: Kafka would delete them as soon as they were written: raise the topic's "
        "retention.ms\n"
    )


def test_a_record_is_shown_masked(kafka: Kafka, capsys: pytest.CaptureFixture[str]) -> None:
    kafka.topics[RAW] = [raw_record(delivery(1), 0)]
    (shown,) = run(kafka, dry=True)
    told = Report(CATALOGUE, dry_run=True).as_json(shown)
    assert told["record"]["event_name"] == "course_updated"
    assert told["record"]["body"] == {"course_id": "999999999999999", "name": "a" * 24 + "…"}
    unmasked = Report(CATALOGUE, dry_run=True, unmasked=True).as_json(shown)
    assert unmasked["record"]["body"]["name"] == "x" * 400
    Report(CATALOGUE, dry_run=True).tell(shown)
    assert "xxxx" not in capsys.readouterr().out
