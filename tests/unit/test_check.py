"""`canvas-bridge check` as a whole: what is checked, what it prints, how it ends."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from bridge.__main__ import main
from bridge.check import CHECKS
from bridge.check import command as command_module
from bridge.check.base import Check, Finding, Site, ok, problem, skipped, warning
from bridge.check.command import site_of
from bridge.check.run import run_checks, worst
from bridge.door_settings import BridgeStateSettings, SpoolSettings
from bridge.settings import KafkaSettings

SITE = Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings())
QUEUE = "https://sqs.us-east-1.amazonaws.com/1/canvas-live-events"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "configure_logging", lambda settings: None)  # it is the process's
    for name in ("BRIDGE_SQS__QUEUE_URL", "SCHEMA_REGISTRY_URL", "BRIDGE_WEBHOOK__ACCEPT"):
        monkeypatch.delenv(name, raising=False)


class Fake:
    """A check that finds what it is told, or fails."""

    def __init__(self, *found: Finding | Exception, name: str = "fake", needless: str | None = None) -> None:
        self.name, self._found, self._needless = name, found, needless

    def needless(self, site: Site) -> str | None:
        return self._needless

    def find(self, site: Site) -> Iterator[Finding]:
        for each in self._found:
            if isinstance(each, Exception):
                raise each
            yield each


def check(monkeypatch: pytest.MonkeyPatch, checks: list[Check], *arguments: str) -> Result:
    monkeypatch.setattr(command_module, "CHECKS", {each.name: each for each in checks})
    return CliRunner().invoke(main, ["check", *arguments])


FOUND = [ok("a", "fine"), skipped("b", "no"), warning("c", "so so", "do"), problem("d", "bad", "mend")]


@pytest.mark.parametrize(
    ("found", "status", "outcome"),
    [(FOUND[:0], 0, "ok"), (FOUND[:2], 0, "ok"), (FOUND[:3], 0, "warning"), (FOUND, 1, "problem")],
)
def test_the_exit_status_and_the_json(
    monkeypatch: pytest.MonkeyPatch, found: list[Finding], status: int, outcome: str
) -> None:
    result = check(monkeypatch, [Fake(*found)], "--json")
    assert result.exit_code == status
    document = orjson.loads(result.stdout)
    assert document["outcome"] == outcome == worst(found)
    expected = [
        {"name": f.name, "outcome": f.outcome, "finding": f.finding, "remedy": f.remedy} for f in found
    ]
    assert document["findings"] == expected


def test_the_table_has_every_word_and_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    long = problem("x", f"https://keys.example.com/{'long/' * 60}[red]end", "")
    result = check(monkeypatch, [Fake(*FOUND, long)])
    assert "long/" * 60 + "[red]end" in "".join(result.stdout.split())
    assert all(word in result.stdout for word in ("fine", "so so", "bad", "mend"))
    assert result.stdout.splitlines()[-1] == "problem: 2, warning: 1, skipped: 1, ok: 1"


@pytest.mark.parametrize("arguments", [["nonsense"], ["--no-such-option"], ["sqs"], ["--port", "x"]])
def test_misuse_ends_with_2(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    assert check(monkeypatch, [Fake(FOUND[3])], *arguments).exit_code == 2


def test_a_check_that_fails_costs_only_itself_and_shows_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Fake(FOUND[0], RuntimeError("swordfish"), name="broken")
    result = check(monkeypatch, [broken, Fake(FOUND[1])], "--json")
    names = [(f["name"], f["outcome"]) for f in orjson.loads(result.stdout)["findings"]]
    assert names == [("a", "ok"), ("broken", "problem"), ("b", "skipped")]
    assert "RuntimeError" in result.output
    assert "swordfish" not in result.output


def test_what_does_not_apply_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_checks([Fake(FOUND[3], needless="not configured")], SITE) == [
        skipped("fake", "not configured")
    ]


def test_checks_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)

    class Meeting(Fake):
        def find(self, site: Site) -> Iterator[Finding]:
            both.wait()
            yield FOUND[0]

    assert run_checks([Meeting(), Meeting()], SITE) == [FOUND[0], FOUND[0]]


def test_one_that_hangs_is_a_problem_and_holds_nobody_up() -> None:
    forever = threading.Event()

    class Hanging(Fake):
        def find(self, site: Site) -> Iterator[Finding]:
            yield FOUND[0]
            forever.wait()

    findings = run_checks([Hanging(name="slow"), Fake(FOUND[1])], SITE, seconds=0.2)
    forever.set()
    assert [(f.name, f.outcome) for f in findings] == [("a", "ok"), ("slow", "problem"), ("b", "skipped")]
    assert "did not end in time" in findings[1].finding


def options(**given: Any) -> dict[str, Any]:
    return {"sqssettings_queue_url": None, **given}


@pytest.mark.parametrize(
    ("doors", "environment", "checked"),
    [
        ((), {}, (True, False, False)),
        ((), {"BRIDGE_SQS__QUEUE_URL": QUEUE}, (False, True, False)),
        ((), {"BRIDGE_SQS__QUEUE_URL": QUEUE, "BRIDGE_WEBHOOK__ACCEPT": "plain"}, (True, True, False)),
        (("webhook",), {"BRIDGE_SQS__QUEUE_URL": QUEUE}, (True, False, False)),
        (("sqs",), {"BRIDGE_SQS__QUEUE_URL": QUEUE, "BRIDGE_WEBHOOK__ACCEPT": "plain"}, (False, True, False)),
        (("webhook", "sqs"), {"BRIDGE_SQS__QUEUE_URL": QUEUE}, (True, True, False)),
        ((), {"SCHEMA_REGISTRY_URL": "https://registry.example.com"}, (True, False, True)),
    ],
)
def test_only_what_is_configured_or_asked_for_is_checked(
    doors: tuple[str, ...],
    environment: dict[str, str],
    checked: tuple[bool, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    site = site_of(doors, options())
    assert (site.webhook is not None, site.sqs is not None, site.registry is not None) == checked


def test_a_queue_given_as_an_option_is_checked() -> None:
    site = site_of((), options(sqssettings_queue_url=QUEUE))
    assert site.sqs is not None
    assert site.sqs.queue_url == QUEUE
    assert site.webhook is None


def test_a_wrong_setting_of_a_door_that_is_configured_is_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_SQS__RECEIVERS", "1000")
    monkeypatch.setenv("BRIDGE_SQS__QUEUE_URL", QUEUE)
    result = check(monkeypatch, [Fake()])
    assert result.exit_code == 2
    assert "BRIDGE_SQS__RECEIVERS" in result.output


def test_the_family_has_unlike_names_and_none_is_empty() -> None:
    assert list(CHECKS) == ["settings", "kafka", "raw topic", "schema registry", "jwks", "sqs"]
    assert all(name == each.name for name, each in CHECKS.items())


def test_no_secret_is_ever_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "user",
        "KAFKA_SASL_PASSWORD": "swordfish-kafka",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "SCHEMA_REGISTRY_URL": "http://user:swordfish-url@127.0.0.1:1/path?key=swordfish-query",
        "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO": "user:swordfish-registry",
        "BRIDGE_WEBHOOK__SECRET": "swordfish-secret-0123",
        "BRIDGE_WEBHOOK__ACCEPT": "both",
        "BRIDGE_WEBHOOK__JWKS_URL": "http://user:swordfish-jwks@127.0.0.1:1/jwks",
        "BRIDGE_SQS__QUEUE_URL": "http://127.0.0.1:1/1/canvas-live-events",
        "BRIDGE_SQS__ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "swordfish-id",
        "AWS_SECRET_ACCESS_KEY": "swordfish-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LOG_LEVEL": "INFO",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bridge.check.kafka_client.ANSWER_SECONDS", 0.5)
    result = CliRunner().invoke(main, ["check", "webhook", "sqs", "--json"])
    assert result.exit_code == 1
    assert {f["name"] for f in orjson.loads(result.stdout)["findings"]} > {
        "kafka",
        "schema registry",
        "jwks",
        "sqs",
    }
    assert "swordfish" not in result.output
