"""`canvas-processors dead-letter`: letters counted, shown, patched and replayed, each event once."""

import json
import time
from pathlib import Path

import pytest

from bridge.identity import event_id
from tests.integration.engine_kafka import on_embedded, without_containers
from tests.integration.replay_site import Site, caliper, catalogue_with, headers, renamed_time
from tests.integration.worker_process import delivery

PATCH = """
name = "the time stands under another name"

[when]
event = "course_updated"

[[rules]]
rename = "/metadata/time"
to = "/metadata/event_time"
"""
TIME = "2026-03-02T09:20:44.001Z"


@pytest.fixture
def site(environment: dict[str, str], tmp_path: Path) -> Site:
    return Site(environment, tmp_path)


def process_all(site: Site, payloads: list[bytes]) -> None:
    """Lets the worker have these deliveries."""
    now = int(time.time() * 1000)
    raws = [site.raw(payload, now) for payload in payloads]
    site.produce(site.as_raw_records(raws))
    with site.stream.worker(ROLLUPS="false") as worker:
        site.stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()


@without_containers
def test_letters_are_counted_shown_patched_and_replayed_once(site: Site) -> None:
    renamed = [json.dumps(renamed_time(number)).encode() for number in range(3)]
    two = json.dumps(caliper(1, TIME, None)).encode()
    process_all(site, [*renamed, two, b"no JSON", json.dumps(delivery(9)).encode()])
    assert len(site.records("dead_letter")) == 5

    summary = site.run("dead-letter", "summary", "--json")
    groups = [json.loads(line) for line in summary.stdout.splitlines()]
    assert (groups[0]["reason"], groups[0]["letters"]) == ("missing_event_time", 3)
    shown = site.run("dead-letter", "show", event_id(renamed[0]))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert '"time": "9999-99-99A99:99:99.999A"' in shown.stdout
    assert "2026-03-02" not in shown.stdout
    listed = site.run("dead-letter", "list", "--event", "course_updated", "--json").stdout
    assert sorted(json.loads(line)["event_id"] for line in listed.splitlines()) == sorted(
        map(event_id, renamed)
    )

    patch = site.folder / "patch.toml"
    patch.write_text(PATCH)
    tried = site.replay("--patch", str(patch), "--dry-run")
    assert (tried.returncode, tried.stderr) == (1, "")
    assert "5 events of dead letters: 3 would be replayed, 2 still failing; dry run" in tried.stdout
    assert "patched /metadata/time: 9999-99-99A99:99:99.999A -> (absent)" in tried.stdout
    assert "x" * 20 not in tried.stdout.replace("a" * 20, "")
    assert site.ids("course_updated") == [event_id(json.dumps(delivery(9)).encode())]

    done = site.replay("--patch", str(patch))
    assert done.returncode == 1
    assert "5 events of dead letters: 3 replayed, 2 still failing" in done.stdout
    records = {headers(message)["ce_id"]: message for message in site.records("course_updated")}
    assert records.keys() == {*map(event_id, renamed), event_id(json.dumps(delivery(9)).encode())}
    raws = {message.key(): message for message in site.records("raw")}
    letters = {message.key(): message for message in site.records("dead_letter")}
    for value in renamed:
        key = event_id(value)
        told, raw, letter = headers(records[key]), raws[key.encode()], letters[key.encode()]
        assert told["canvas.raw"] == f"{raw.topic()}/{raw.partition()}/{raw.offset()}"
        assert told["canvas.replayed.from"] == f"{letter.topic()}/{letter.partition()}/{letter.offset()}"
        assert len(told["canvas.replayed.patch"]) == 8
        assert told["canvas.replayed.at"].endswith("Z")
        assert records[key].timestamp() == raw.timestamp()

    again = site.replay("--patch", str(patch))
    assert "5 events of dead letters: 3 there already, 2 still failing" in again.stdout
    assert len(site.records("course_updated")) == 4
    only = site.replay("--patch", str(patch), "--reason", "missing_event_time", "--event", "course_updated")
    assert (only.returncode, only.stdout) == (0, "3 events of dead letters: 3 there already\n")


def too_eager(avro: Path) -> None:
    """Adds a schema for an event whose body is no object."""
    schema = json.loads((avro / "events/logged_out.avsc").read_text("utf-8"))
    (avro / "events/poll_taken.avsc").write_text(json.dumps({**schema, "name": "PollTaken", "caliper": []}))


@without_containers
def test_a_broken_schema_is_taken_back_and_its_letters_are_replayed(site: Site) -> None:
    """And the privacy policy applies as in the worker."""
    event = {"metadata": {"event_name": "poll_taken", "event_time": TIME}, "body": "Ada Lovelace"}
    raws = [site.raw(event, int(time.time() * 1000)), site.raw(delivery(1), int(time.time() * 1000))]
    broken = catalogue_with(site.folder, too_eager)
    site.convert(raws, broken)
    assert (len(site.records("dead_letter")), len(site.records("unknown"))) == (1, 0)

    listed = site.run("dead-letter", "list")
    (row,) = [line.split() for line in listed.stdout.splitlines()[1:]]
    assert row[2:-1] == [event_id(raws[0].value), "poll_taken", "invalid_body", "/body"]
    shown = json.loads(site.run("dead-letter", "show", str(raws[0].position), "--unmasked", "--json").stdout)
    assert (shown["payload"], shown["fingerprint"]) == (event, row[-1])
    tried = site.replay("--dry-run", "--offset", row[0], "--fingerprint", row[-1])
    assert (tried.returncode, tried.stderr) == (0, "")
    assert f"poll_taken  would be replayed  {site.names.unknown}" in tried.stdout
    assert "Ada" not in tried.stdout

    policy = site.folder / "privacy.toml"
    policy.write_text('version = "t1"\nunknown = "drop"\n')
    site.environment["PROCESSORS_PRIVACY__POLICY"] = str(policy)
    assert site.replay().stdout == (f"1 event of dead letters: 1 replayed\n  into: {site.names.unknown} 1\n")
    (record,) = site.records("unknown")
    told = headers(record)
    assert (told["ce_id"], told["canvas.raw"]) == (event_id(raws[0].value), str(raws[0].position))
    assert told["canvas.privacy"].startswith("t1/")
    assert "canvas.replayed.patch" not in told
    assert b"Ada" not in (record.value() or b"")


@on_embedded
def test_what_is_missing_or_wrong_is_said(site: Site) -> None:
    patch = site.folder / "patch.toml"
    patch.write_text('name = "n"\n[[rules]]\nremove = "a"\n')
    for arguments, status, told in (
        (("replay", "--patch", str(patch)), 2, '"a" is no JSON pointer'),
        (("list", "--offset", "17"), 2, "is no place: write PARTITION/OFFSET"),
        (("show", "0/99"), 1, "no dead letter 0/99"),
        (("summary", "--kafka-topic-prefix", "nowhere."), 1, "no topic nowhere.dead_letter"),
    ):
        done = site.run("dead-letter", *arguments)
        assert (done.returncode, told in done.stderr) == (status, True), (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    assert site.run("dead-letter", "summary").stdout == "0 dead letters in 0 groups\n"
    assert site.replay().stdout == "0 events of dead letters\n"
