"""`canvas-processors raw replay`: a span of the raw topic again, in the same topics or under a new prefix."""

import time
from pathlib import Path

import pytest

from tests.integration.commands import processors
from tests.integration.engine_kafka import on_embedded, without_containers
from tests.integration.replay_site import Site, headers
from tests.integration.worker_process import delivery


@pytest.fixture
def site(environment: dict[str, str], tmp_path: Path) -> Site:
    return Site(environment, tmp_path)


def deliver(site: Site, payloads: list[object]) -> None:
    now = int(time.time() * 1000)
    site.produce(site.as_raw_records([site.raw(payload, now) for payload in payloads]))


def convert_all(site: Site) -> None:
    with site.stream.worker(ROLLUPS="false") as worker:
        site.stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()


@without_containers
def test_a_span_is_derived_again_without_what_is_there(site: Site) -> None:
    """The worker made records of three, and of five more nothing, as an earlier version would."""
    deliver(site, [*map(delivery, range(3)), b"no JSON"])
    convert_all(site)
    deliver(site, [*map(delivery, range(2, 8)), delivery(7)])
    span = ("raw", "replay", "--from", "1h", "--to", "0m")
    theirs = site.run(*span, "--event", "course_updated")
    assert theirs.returncode == 0, theirs.stderr
    assert "10 events: 3 there already, 7 not yet processed by the workers" in theirs.stdout
    site.pass_over()

    tried = site.run(*span, "--dry-run")
    assert (tried.returncode, tried.stderr) == (1, ""), tried.stderr
    assert (
        "11 events: 5 would be replayed, 4 there already, 1 a repeat within this run, 1 still failing"
        in tried.stdout
    )
    assert len(site.records("course_updated")) == 3
    done = site.run(*span, "--event", "course_updated")
    assert done.returncode == 0, done.stderr
    assert "10 events: 5 replayed, 4 there already, 1 a repeat within this run" in done.stdout
    again = site.run(*span)
    assert "11 events: 10 there already, 1 still failing" in again.stdout
    found = site.records("course_updated")
    assert len({headers(message)["ce_id"] for message in found}) == len(found) == 8
    raws = {f"{raw.topic()}/{raw.partition()}/{raw.offset()}": raw for raw in site.records("raw")}
    for message in found:
        raw = raws[headers(message)["canvas.raw"]]
        assert raw.key() == headers(message)["ce_id"].encode()
        assert raw.timestamp() == message.timestamp()
    assert len(site.records("dead_letter")) == 1


@without_containers
def test_a_new_prefix_gets_everything_once_dead_letters_too(site: Site) -> None:
    deliver(site, [*map(delivery, range(4)), delivery(0), b"no JSON"])
    prefix = f"{site.stream.prefix}v2."
    command = ("raw", "replay", "--from", "1h", "--to", "0m", "--prefix", prefix)
    missing = site.run(*command)
    assert missing.returncode == 1
    assert "schemas register" in missing.stderr
    assert f"KAFKA_TOPIC_PREFIX={prefix}" in missing.stderr
    other = {**site.environment, "KAFKA_TOPIC_PREFIX": prefix}
    assert processors(other, "schemas", "register").returncode == 0
    missing = site.run(*command)
    assert missing.returncode == 1
    assert f"no topic {prefix}" in missing.stderr
    assert f"`canvas-processors topics create` with KAFKA_TOPIC_PREFIX={prefix}" in missing.stderr
    assert processors(other, "topics", "create").returncode == 0

    done = site.run(*command)
    assert done.returncode == 0, done.stderr
    assert "6 events: 5 replayed, 1 a repeat within this run" in done.stdout
    again = site.run(*command)
    assert "6 events: 6 there already" in again.stdout
    assert len(site.records(f"{prefix}course_updated")) == 4
    (letter,) = site.records(f"{prefix}dead_letter")
    assert headers(letter)["canvas.errors.reason"] == "invalid_json"
    assert headers(letter)["canvas.errors.topic"] == f"{site.stream.prefix}raw"
    assert site.records("course_updated") == []
    assert site.records("dead_letter") == []


@on_embedded
def test_misuse_is_said(site: Site) -> None:
    for arguments, told in (
        (("--from", "0m", "--to", "1h"), "--from must be before --to"),
        (("--from", "1h"), "Missing option '--to'"),
        (("--from", "1h", "--to", "0m", "--prefix", site.stream.prefix), "is that of the topics read from"),
        (("--from", "yesterday", "--to", "0m"), "is neither a time with a zone"),
    ):
        done = site.run("raw", "replay", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
