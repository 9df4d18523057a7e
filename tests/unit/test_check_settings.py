"""What the check says about settings, without asking anybody."""

from pathlib import Path
from typing import Any

import pytest

from bridge.check.base import Finding, Site
from bridge.check.settings import SettingsCheck
from bridge.door_settings import BridgeStateSettings, SpoolSettings, SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings

ACCOUNTS = frozenset({"one"})
SECRET = "swordfish-0123456789"


def found(
    webhook: dict[str, Any] | None = None,
    kafka: dict[str, Any] | None = None,
    sqs: dict[str, Any] | None = None,
    *,
    state: Path | None = None,
    spool: Path | None = None,
    spool_bytes: int = 2**30,
) -> dict[str, Finding]:
    site = Site(
        KafkaSettings(**(kafka or {})),
        BridgeStateSettings(state_directory=state),
        SpoolSettings(directory=spool, max_bytes=spool_bytes),
        webhook=None if webhook is None else WebhookSettings(**webhook),
        sqs=None if sqs is None else SqsSettings(queue_url="https://sqs/1/canvas-live-events", **sqs),
    )
    findings = {finding.name: finding for finding in SettingsCheck().find(site)}
    assert SECRET not in str(findings)
    return findings


@pytest.mark.parametrize(
    ("settings", "outcome", "remedy"),
    [
        ({"root_account_uuids": ACCOUNTS}, "ok", ""),
        ({}, "warning", "ROOT_ACCOUNT_UUIDS"),
        ({"root_account_uuids": ACCOUNTS, "issuer": ""}, "warning", "ISSUER"),
        ({"accept": "plain"}, "warning", "BRIDGE_WEBHOOK__SECRET"),
        ({"accept": "plain", "secret": SECRET}, "ok", ""),
        ({"accept": "both", "root_account_uuids": ACCOUNTS}, "warning", "BRIDGE_WEBHOOK__SECRET"),
        ({"accept": "both", "secret": SECRET}, "warning", "ROOT_ACCOUNT_UUIDS"),
        ({"accept": "both", "secret": SECRET, "root_account_uuids": ACCOUNTS}, "ok", ""),
    ],
)
def test_who_can_write_events(settings: dict[str, Any], outcome: str, remedy: str) -> None:
    finding = found(settings)["webhook authentication"]
    assert (finding.outcome, remedy in finding.remedy) == (outcome, True), finding


@pytest.mark.parametrize(("seconds", "outcome"), [(14.9, "ok"), (15, "problem"), (30, "problem")])
def test_kafka_must_be_quicker_than_canvas_s_patience(seconds: float, outcome: str) -> None:
    assert found({}, {"delivery_timeout_seconds": seconds})["webhook answer"].outcome == outcome


@pytest.mark.parametrize(("room", "outcome"), [(16_000_000, "ok"), (15_999_999, "warning")])
def test_some_of_the_largest_deliveries_find_room(room: int, outcome: str) -> None:
    settings = {"max_in_flight_bytes": room, "max_body_bytes": 1_000_000}
    assert found(settings)["webhook bounds"].outcome == outcome


@pytest.mark.parametrize(
    ("settings", "outcome", "words"),
    [
        ({}, "ok", "PLAINTEXT"),
        ({"bootstrap_servers": "127.0.0.1:9092,[::1]:9092"}, "ok", "PLAINTEXT"),
        ({"bootstrap_servers": "localhost:9092,kafka:9092"}, "warning", "as they are"),
        ({"bootstrap_servers": "kafka:9092", "security_protocol": "SSL"}, "ok", "SSL"),
        ({"security_protocol": "SASL_SSL"}, "problem", "without a mechanism"),
        (
            {
                "bootstrap_servers": "kafka:9092",
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
            },
            "warning",
            "as they are",
        ),
        ({"sasl_password": SECRET}, "warning", "shows them to nobody"),
    ],
)
def test_what_crosses_the_network(settings: dict[str, Any], outcome: str, words: str) -> None:
    finding = found(kafka=settings)["kafka security"]
    assert (finding.outcome, words in finding.finding) == (outcome, True), finding


def test_a_certificate_that_cannot_be_read() -> None:
    finding = found(kafka={"security_protocol": "SSL", "ssl_ca_location": "/no/such/ca.pem"})[
        "kafka certificates"
    ]
    assert finding.outcome == "problem"
    assert "/no/such/ca.pem" in finding.finding


@pytest.mark.parametrize(("seconds", "outcome"), [(60, "ok"), (39, "warning")])
def test_a_message_stays_ours_longer_than_kafka_may_take(seconds: int, outcome: str) -> None:
    findings = found(sqs={"visibility_seconds": seconds}, kafka={"delivery_timeout_seconds": 20})
    assert findings["sqs door visibility"].outcome == outcome
    assert "webhook answer" not in findings


def test_the_state_directory(tmp_path: Path) -> None:
    assert found({})["state directory"].outcome == "skipped"
    assert found({}, state=tmp_path)["state directory"].outcome == "ok"
    assert found({}, state=tmp_path / "not" / "yet")["state directory"].outcome == "ok"
    assert not list(tmp_path.iterdir()), "nothing is left behind"
    (tmp_path / "file").write_text("")
    finding = found({}, state=tmp_path / "file")["state directory"]
    assert finding.outcome == "problem"
    assert "BRIDGE_STATE_DIRECTORY" in finding.remedy


def test_the_spool(tmp_path: Path) -> None:
    without = found({})["spool directory"]
    assert (without.outcome, "BRIDGE_SPOOL__DIRECTORY" in without.finding) == ("skipped", True)
    findings = found({}, spool=tmp_path / "spool", spool_bytes=2**24)
    assert findings["spool directory"].outcome == findings["spool room"].outcome == "ok"
    findings = found({}, spool=tmp_path / "spool", spool_bytes=2**60)
    assert findings["spool room"].outcome == "warning"
    assert "BRIDGE_SPOOL__MAX_BYTES" in findings["spool room"].remedy
