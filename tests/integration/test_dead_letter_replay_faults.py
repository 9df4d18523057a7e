"""A replay that is killed, met by another one, or kept waiting: every event is there once, read committed."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.contract import RawEvent
from bridge.kafka import producer_config
from bridge.settings import KafkaSettings
from tests.integration.door_process import PATIENCE
from tests.integration.engine_kafka import on_processes
from tests.integration.replay_site import Site, pause, resume
from tests.integration.worker_process import delivery
from tests.samples import CATALOGUE

LETTERS = 8000


@pytest.fixture
def site(environment: dict[str, str], tmp_path: Path) -> Site:
    return Site(environment, tmp_path)


def raws_of(site: Site, count: int, hours_ago: int = 0) -> list[RawEvent]:
    received = int(time.time() * 1000) - hours_ago * 3_600_000
    return [site.raw(delivery(number), received) for number in range(count)]


def refused(site: Site, raws: list[RawEvent]) -> list[str]:
    """Makes letters of them that can be converted now; their event_ids."""
    site.refuse(raws)
    return sorted((raw.key or b"").decode() for raw in raws)


@on_processes
def test_killed_and_run_again_every_event_is_there_once(site: Site) -> None:
    ids = refused(site, raws_of(site, LETTERS))
    with site.start("dead-letter", "replay") as replay:
        site.until_written("course_updated", LETTERS // 4, replay)
        replay.kill()
    there = len(site.ids("course_updated"))
    assert 0 < there < LETTERS
    done = site.replay()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{LETTERS - there} replayed, {there} there already" in done.stdout
    assert site.ids("course_updated") == ids


@on_processes
def test_of_two_at_the_same_time_the_first_is_shut_out(site: Site) -> None:
    ids = refused(site, raws_of(site, LETTERS))
    with site.start("dead-letter", "replay") as first:
        site.until_written("course_updated", LETTERS // 4, first)
        pause(first)
        second = site.replay()
        resume(first)
        told = first.communicate(timeout=PATIENCE)[1]
    assert second.returncode == 0, second.stderr
    assert first.returncode == 1
    assert "another replay has begun and has shut this one out" in told
    assert "Traceback" not in told
    assert site.ids("course_updated") == ids


@on_processes
def test_what_lies_behind_an_open_transaction_is_waited_for(site: Site) -> None:
    raws = raws_of(site, 20)
    ids = refused(site, raws)
    config = producer_config(
        KafkaSettings(bootstrap_servers=site.stream.servers),
        transactional_id=site.stream.prefix,
        transaction_timeout_ms=900_000,
    )
    with Producer(config) as worker:
        worker.init_transactions(PATIENCE)
        worker.begin_transaction()
        for partition in range(4):
            worker.produce(site.names.typed("course_updated"), b"open", b"", partition)
        assert worker.flush(PATIENCE) == 0
        # As another replay would have, that began before this transaction did.
        site.convert(raws, CATALOGUE)
        assert site.ids("course_updated") == []  # they are hidden from those who read committed
        with site.start("dead-letter", "replay") as again:
            assert again.stderr is not None
            assert again.stderr.readline().startswith("waiting for the end of a transaction that is open in")
            worker.abort_transaction(PATIENCE)
            told = again.communicate(timeout=PATIENCE)[0]
    assert told == "20 events of dead letters: 20 there already\n"
    assert site.ids("course_updated") == ids


@on_processes
def test_what_its_topic_would_delete_is_not_written(site: Site) -> None:
    refused(site, raws_of(site, 2))
    refused(site, raws_of(site, 3, hours_ago=24 * 31))
    done = site.replay()
    assert done.returncode == 1
    assert "5 events of dead letters: 2 replayed, 3 too old for its topic" in done.stdout
    assert "raise the topic's retention.ms" in done.stdout
    assert len(site.ids("course_updated")) == 2
