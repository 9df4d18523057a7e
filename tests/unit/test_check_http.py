"""What the check says about Canvas's keys and the schema registry."""

import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from bridge.check import fetch
from bridge.check.base import Finding, Site
from bridge.check.fetch import NoAnswer, Page, get, shown
from bridge.check.jwks import JwksCheck, judge
from bridge.check.registry import RegistryCheck
from bridge.door_settings import BridgeStateSettings, SpoolSettings, WebhookSettings
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from tests.unit.doors import jwk, jwks

NOW = 1_772_000_000.0  # 2026-02-25
KIDS = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-20T00:00:00Z")


class Server:
    """Answers what it is told to, and remembers the headers it was asked with."""

    def __init__(self) -> None:
        self.status, self.content, self.headers = 200, b"[]", {"Content-Type": "application/json"}
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(outer.status)
                for name, value in {**outer.headers, "Content-Length": str(len(outer.content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.content)

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.http.shutdown()
    server.http.server_close()


def registry(server: Server, **settings: Any) -> Finding:
    url = settings.pop("url", server.url + "/base/")
    site = Site(
        KafkaSettings(),
        BridgeStateSettings(),
        SpoolSettings(),
        registry=SchemaRegistrySettings(url=url, **settings),
    )
    assert RegistryCheck().needless(site) is None
    (finding,) = RegistryCheck().find(site)
    return finding


def test_a_registry_that_has_our_subjects(server: Server) -> None:
    server.content = orjson.dumps(["canvas.a-value", "canvas.b-value", "other"])
    finding = registry(server, basic_auth_user_info="user:swordfish")
    assert (finding.outcome, "2 subjects canvas.*" in finding.finding) == ("ok", True)
    assert server.asked == [("/base/subjects", "Basic dXNlcjpzd29yZGZpc2g=")]
    assert "swordfish" not in str(finding)


@pytest.mark.parametrize(
    ("status", "content", "outcome", "remedy"),
    [
        (200, b"[]", "warning", "schemas register"),
        (200, b'["other"]', "warning", "schemas register"),
        (200, b"<html>", "problem", "with its path"),
        (200, b"{}", "problem", "with its path"),
        (404, b"", "problem", "with its path"),
        (302, b"", "problem", "with its path"),
        (401, b"", "problem", "BASIC_AUTH_USER_INFO"),
        (403, b"", "problem", "BASIC_AUTH_USER_INFO"),
        (503, b"", "problem", "own log"),
    ],
)
def test_a_registry_that_has_not(
    server: Server, status: int, content: bytes, outcome: str, remedy: str
) -> None:
    server.status, server.content = status, content
    server.headers = {"Location": server.url + "/elsewhere"}
    finding = registry(server)
    assert (finding.outcome, remedy in finding.remedy) == (outcome, True), finding
    assert len(server.asked) == 1, "a redirect is not followed"


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://127.0.0.1:1"},
        {"url": "ftp://127.0.0.1"},
        {"url": "file:///etc/passwd"},
        {"url": "http://user:swordfish@127.0.0.1:1/x?key=swordfish"},
        {"url": "http://[nonsense"},
        {"ssl_ca_location": "/no/such/ca.pem"},
    ],
)
def test_a_registry_that_does_not_answer(server: Server, settings: dict[str, str]) -> None:
    finding = registry(server, **settings)
    assert finding.outcome == "problem"
    assert "does not answer" in finding.finding
    assert "swordfish" not in str(finding)


def test_a_registry_is_asked_only_where_one_is_configured() -> None:
    reason = RegistryCheck().needless(Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings()))
    assert "SCHEMA_REGISTRY_URL is not set" in (reason or "")


def keys(*kids: str) -> bytes:
    return jwks(*(jwk("canvas", kid) for kid in kids))


def judged(content: bytes = b"", status: int = 200, **headers: str) -> dict[str, Finding]:
    page = Page(status, headers, content or keys(*KIDS))
    return {finding.name: finding for finding in judge(page, "https://keys", NOW)}


def test_keys_as_canvas_has_them() -> None:
    findings = judged(date=formatdate(NOW - 5, usegmt=True))
    assert {finding.outcome for finding in findings.values()} == {"ok"}
    assert set(findings) == {"jwks", "jwks age", "clock"}


@pytest.mark.parametrize(
    ("content", "name", "outcome", "words"),
    [
        (keys(*KIDS[:1]), "jwks", "warning", "1 usable key(s)"),
        (keys(*KIDS, "2026-02-21T00:00:00Z"), "jwks", "warning", "4 usable key(s)"),
        (keys("2025-01-01T00:00:00Z", "a", "b"), "jwks age", "warning", "420 days"),
        (keys("2025-01-01T00:00:00", "a", "b"), "jwks age", "warning", "420 days"),
        (keys("a", "b", "c"), "jwks age", "skipped", "cannot tell"),
        (b"{", "jwks", "problem", "no usable key set"),
        (b'{"keys": []}', "jwks", "problem", "no usable key set"),
        (b" " * 100_000, "jwks", "problem", "larger"),
    ],
)
def test_keys_that_are_not(content: bytes, name: str, outcome: str, words: str) -> None:
    finding = judged(content)[name]
    assert (finding.outcome, words in finding.finding) == (outcome, True), finding


@pytest.mark.parametrize("status", [302, 403, 500])
def test_keys_that_are_refused(status: int) -> None:
    assert judged(status=status)["jwks"].outcome == "problem"


@pytest.mark.parametrize(
    ("headers", "outcome", "words"),
    [
        ({"date": formatdate(NOW - 31, usegmt=True)}, "warning", "31 s ahead"),
        ({"date": formatdate(NOW + 90, usegmt=True)}, "warning", "90 s behind"),
        ({"date": formatdate(NOW - 3600, usegmt=True), "age": "3600"}, "ok", "agrees"),
        ({"date": "nonsense"}, "skipped", "cannot tell"),
        ({}, "skipped", "cannot tell"),
    ],
)
def test_the_clock_of_this_machine(headers: Any, outcome: str, words: str) -> None:
    finding = judged(**headers)["clock"]
    assert (finding.outcome, words in finding.finding) == (outcome, True), finding


def site(**webhook: Any) -> Site:
    return Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings(), webhook=WebhookSettings(**webhook))


def test_keys_are_asked_for_where_tokens_are_verified(server: Server) -> None:
    assert (
        JwksCheck().needless(Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings()))
        == "the webhook is not checked"
    )
    assert JwksCheck().needless(site(accept="plain"))
    assert JwksCheck().needless(site()) is None
    server.content = keys(*KIDS)
    findings = list(JwksCheck().find(site(jwks_url=server.url + "/jwks")))
    assert findings[0].outcome == "ok"
    assert findings[-1].name == "clock"


def test_keys_that_cannot_be_had_are_told_with_the_remedy() -> None:
    (finding,) = JwksCheck().find(site(jwks_url="http://127.0.0.1:1/jwks"))
    assert finding.outcome == "problem"
    assert "BRIDGE_WEBHOOK__JWKS_URL" in finding.remedy


def test_a_page_without_end_is_not_read_to_its_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    server.content = b"x" * 1001
    with pytest.raises(NoAnswer, match="more than"):
        get(server.url)


def test_an_address_is_shown_without_what_is_secret_in_it() -> None:
    assert shown("https://user:swordfish@host:8081/path?key=swordfish") == "https://host:8081/path"
