"""The guards around Faust's Kafka clients. Each test fails with Faust as it comes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import faust
import pytest
from faust.types import TP
from pydantic import SecretStr

from bridge.settings import KafkaSettings
from processors.rollups.faust_kafka import ConfirmedTable, KafkaApp
from processors.rollups.roll_up_app import app_settings
from processors.settings import WorkerSettings

Answer = TypeVar("Answer")
TOPIC = TP("canvas.course_progress", 0)
WORKER = WorkerSettings(group_id="g", instance_id="one", data_dir="/tmp/canvas")


def with_app(body: Callable[[faust.App], Awaitable[Answer]], *, closing: bool = True, **kafka: Any) -> Answer:
    async def main() -> Answer:
        app = KafkaApp(**app_settings(KafkaSettings(**kafka), WORKER, 4))
        try:
            return await body(app)
        finally:
            consumer: Any = app._consumer
            if closing and consumer is not None:
                consumer._thread.thread_loop.close()

    return asyncio.run(main())


def consumer_settings(monkeypatch: pytest.MonkeyPatch, **kafka: Any) -> dict[str, Any]:
    """What aiokafka's consumer is made with."""
    told: dict[str, Any] = {}
    monkeypatch.setattr("aiokafka.AIOKafkaConsumer", lambda **settings: told.update(settings))

    async def body(app: faust.App) -> None:
        consumer: Any = app.consumer
        consumer._thread._create_consumer(asyncio.get_running_loop())
        assert not consumer.in_transaction

    with_app(body, **kafka)
    return told


def test_it_reads_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert consumer_settings(monkeypatch)["isolation_level"] == "read_committed"


def test_it_is_a_static_member_of_a_group_of_its_own_with_short_timeouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = consumer_settings(monkeypatch)
    assert told["group_id"] == "g-rollups"
    assert told["group_instance_id"] == "one"
    assert told["session_timeout_ms"] == 10_000
    assert told["auto_offset_reset"] == "earliest"


def test_the_environment_does_not_override_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BROKER_URL": "kafka://elsewhere:9092",
        "APP_DATADIR": "/elsewhere",
        "WEB_ENABLED": "yes",
        "TOPIC_ALLOW_DECLARE": "yes",
        "PROCESSING_GUARANTEE": "exactly_once",
    }.items():
        monkeypatch.setenv(name, value)

    async def body(app: faust.App) -> None:
        conf: Any = app.conf
        assert [url.host for url in conf.broker] == ["here"]
        assert str(conf.datadir) == "/tmp/canvas"
        assert not conf.web_enabled
        assert not conf.topic_allow_declare
        assert conf.topic_disable_leader
        assert not app.in_transaction

    with_app(body, bootstrap_servers="here:9092")


@pytest.mark.parametrize(
    ("protocol", "sasl", "ssl"),
    [
        ("PLAINTEXT", False, False),
        ("SSL", False, True),
        ("SASL_PLAINTEXT", True, False),
        ("SASL_SSL", True, True),
    ],
)
def test_it_is_as_safe_as_the_other_clients(
    monkeypatch: pytest.MonkeyPatch, protocol: str, *, sasl: bool, ssl: bool
) -> None:
    told = consumer_settings(
        monkeypatch,
        security_protocol=protocol,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="me",
        sasl_password=SecretStr("secret"),
    )
    assert told["security_protocol"] == protocol
    assert (told.get("sasl_plain_password") == "secret") is sasl
    assert (told.get("sasl_mechanism") == "SCRAM-SHA-512") is sasl
    assert (told.get("ssl_context") is not None) is ssl


class Offsets:
    """Faust's bookkeeping of one partition: offsets come, are taken up (open), and acknowledged (done)."""

    def __init__(self, app: faust.App) -> None:
        self.consumer: Any = app.consumer
        self._open: dict[int, Any] = {}

    async def come(self, *offsets: int) -> None:
        read = self.consumer._read_offset[TOPIC]
        for offset in offsets:
            if read is not None and offset - read > 1:
                await self.consumer._add_gap(TOPIC, read + 1, offset)
            self._open[offset] = _Open(offset)
            self.consumer._unacked_messages.add(self._open[offset])
            read = self.consumer._read_offset[TOPIC] = offset

    def done(self, *offsets: int) -> None:
        for offset in offsets:
            self.consumer._unacked_messages.discard(self._open.pop(offset))
            self.consumer._acked[TOPIC].append(offset)
            self.consumer._acked_index[TOPIC].add(offset)

    def commit(self) -> int | None:
        offset: int | None = self.consumer._new_offset(TOPIC)
        if offset is not None:
            self.consumer._committed_offset[TOPIC] = offset
        return offset


class _Open:
    def __init__(self, offset: int) -> None:
        self.offset, self.tp = offset, TOPIC


def test_gaps_of_transaction_markers_and_aborted_batches_do_not_hold_back_commits() -> None:
    async def body(app: faust.App) -> None:
        offsets = Offsets(app)
        await offsets.come(0, 2)
        offsets.done(0)
        assert offsets.commit() == 1
        await offsets.come(502, 503)
        offsets.done(2, 502, 503)
        assert offsets.commit() == 504
        assert offsets.commit() is None

    with_app(body)


def test_a_commit_never_passes_a_record_that_is_still_open() -> None:
    async def body(app: faust.App) -> None:
        offsets = Offsets(app)
        await offsets.come(10, 11, 12)
        offsets.done(11, 12)
        assert offsets.commit() is None
        offsets.done(10)
        assert offsets.commit() == 13

    with_app(body)


class Thread:
    """Stands for the consumer's thread: where it was told to go."""

    def __init__(self, committed: dict[TP, int | None]) -> None:
        self.committed, self.to_beginning = committed, list[TP]()

    def assignment(self) -> set[TP]:
        return set(self.committed)

    async def seek_to_committed(self) -> dict[TP, int | None]:
        return self.committed

    async def seek_to_beginning(self, *parts: TP) -> None:
        assert parts, "without partitions it means all of them"
        self.to_beginning += parts


OTHER, CHANGELOG = TP("canvas.course_completed", 0), TP("g-rollups-windows-changelog", 0)


def recovering(app: faust.App, committed: dict[TP, int | None]) -> tuple[Any, Thread]:
    """A consumer whose partitions are assigned and paused, as at the begin of a recovery."""
    app.Table("windows", partitions=4)
    consumer: Any = app.consumer
    consumer._thread.thread_loop.close()
    consumer._thread = thread = Thread(committed)
    consumer.pause_partitions(set(committed))
    return consumer, thread


def test_where_nothing_was_committed_a_recovery_goes_back_to_the_beginning() -> None:
    async def body(app: faust.App) -> None:
        consumer, thread = recovering(app, {TOPIC: None, OTHER: 0, CHANGELOG: None})
        await consumer.perform_seek()
        assert thread.to_beginning == [TOPIC]
        thread.committed = {OTHER: 7}
        await consumer.perform_seek()
        assert thread.to_beginning == [TOPIC]

    with_app(body, closing=False)


def test_sources_are_not_read_before_a_recovery_has_moved_to_their_offsets_and_emptied_its_queues() -> None:
    async def body(app: faust.App) -> None:
        consumer, _ = recovering(app, {TOPIC: None, CHANGELOG: None})
        consumer.resume_flow()
        consumer.resume_partitions({CHANGELOG})
        assert consumer._active_partitions == {CHANGELOG}
        # What Faust does at the end: take up the sources, seek, empty the queues, and let it flow.
        consumer.resume_partitions({TOPIC})
        consumer.on_buffer_drop(TOPIC)
        assert consumer._active_partitions == {CHANGELOG}
        consumer.resume_flow()
        assert consumer._active_partitions == {CHANGELOG, TOPIC}
        consumer.on_buffer_full(TOPIC)
        assert consumer._active_partitions == {CHANGELOG, TOPIC}

    with_app(body, closing=False)


def test_a_rebalance_in_the_middle_of_a_recovery_holds_the_sources_back_again() -> None:
    async def body(app: faust.App) -> None:
        consumer, _ = recovering(app, {TOPIC: None, CHANGELOG: None})
        consumer.resume_partitions({TOPIC})
        consumer.pause_partitions({TOPIC, CHANGELOG})
        consumer.resume_flow()
        assert consumer._active_partitions == set()

    with_app(body, closing=False)


def test_a_table_tells_what_its_changelog_has_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(app: faust.App) -> None:
        table: Any = app.Table("windows", partitions=4)
        assert isinstance(table, ConfirmedTable)
        promises = [asyncio.get_running_loop().create_future() for _ in range(3)]
        unsent = list(promises)
        monkeypatch.setattr(faust.Table, "send_changelog", lambda *_, **__: unsent.pop(0))
        for _ in range(2):
            table.send_changelog(0, "k", "v")
        promises[0].set_result(None)
        with pytest.raises(TimeoutError):
            await table.confirmed(0.01)
        table.send_changelog(0, "k", "v")
        promises[2].set_exception(OSError("refused"))
        with pytest.raises(OSError, match="refused"):
            await table.confirmed(0.01)
        await table.confirmed(0.01)

    with_app(body)


def test_positions_are_the_committed_offsets_of_the_sources_alone() -> None:
    async def body(app: Any) -> None:
        assert app.positions() == {}
        consumer, thread = recovering(app, {TOPIC: None, OTHER: 7, CHANGELOG: 3})
        assert app.positions() == {}  # before it knows the offsets
        await consumer.perform_seek()
        assert app.positions() == {tuple(TOPIC): 0, tuple(OTHER): 7}
        thread.committed = {OTHER: 7}
        assert app.positions() == {tuple(OTHER): 7}

    with_app(body, closing=False)
