"""What the check says about Kafka and the raw topic."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from confluent_kafka import Producer

from bridge.check import raw_topic as raw_topic_module
from bridge.check.base import Finding, Site
from bridge.check.kafka import KafkaCheck
from bridge.check.kafka_client import NoAnswer
from bridge.check.raw_topic import RawTopicCheck, judge, largest, partitions
from bridge.door_settings import BridgeStateSettings, SpoolSettings, SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings

GOOD = {
    "min.insync.replicas": "2",
    "max.message.bytes": "2162688",
    "message.timestamp.type": "CreateTime",
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
}


def judged(changes: Mapping[str, str] | None = None, replicas: int = 3) -> dict[str, Finding]:
    found = judge("canvas.raw", {**GOOD, **(changes or {})}, replicas, 1_114_112)
    return {finding.name.removeprefix("raw topic "): finding for finding in found}


def test_a_topic_as_it_should_be() -> None:
    assert {finding.outcome for finding in judged().values()} == {"ok"}


@pytest.mark.parametrize(
    ("changes", "replicas", "name", "outcome", "words"),
    [
        ({"min.insync.replicas": "4"}, 3, "min.insync.replicas", "problem", "every write is refused"),
        ({"min.insync.replicas": "2"}, 1, "min.insync.replicas", "problem", "every write is refused"),
        ({"min.insync.replicas": "3"}, 3, "min.insync.replicas", "warning", "one broker away"),
        ({"min.insync.replicas": "1"}, 3, "min.insync.replicas", "warning", "but one copy"),
        ({"min.insync.replicas": "1"}, 1, "min.insync.replicas", "ok", "1 of 1"),
        ({"max.message.bytes": "1048588"}, 3, "max.message.bytes", "warning", "1,048,588"),
        ({"max.message.bytes": "1000000"}, 3, "max.message.bytes", "problem", "Canvas sends"),
        ({"max.message.bytes": "1114112"}, 3, "max.message.bytes", "ok", "fits"),
        ({"message.timestamp.type": "LogAppendTime"}, 3, "time", "warning", "overwritten"),
        ({"cleanup.policy": "compact,delete"}, 3, "retention", "warning", "compacted"),
        ({"retention.ms": "3600000"}, 3, "retention", "warning", "1 h"),
        ({"retention.ms": "-1"}, 3, "retention", "ok", "for ever"),
        ({"retention.bytes": "1000"}, 3, "retention", "warning", "1,000 bytes"),
    ],
)
def test_a_topic_that_is_not(
    changes: dict[str, str], replicas: int, name: str, outcome: str, words: str
) -> None:
    found = judged(changes, replicas)
    finding = found.pop(name)
    assert (finding.outcome, words in finding.finding) == (outcome, True), finding
    assert outcome == "ok" or "kafka-configs --alter --topic canvas.raw" in finding.remedy
    others = {other.outcome for other in found.values()}
    assert others == {"ok"} or replicas == 1


def of(leader: int = 1, replicas: int = 3, in_sync: int = 3) -> Any:
    return SimpleNamespace(leader=leader, replicas=list(range(replicas)), isrs=list(range(in_sync)))


@pytest.mark.parametrize(
    ("found", "outcomes", "words"),
    [
        ({0: of(), 1: of()}, ("ok", "ok"), "2 partitions"),
        ({0: of(), 1: of(leader=-1)}, ("problem", "ok"), "[1] have no leader"),
        ({0: of()}, ("warning", "ok"), "one partition"),
        ({0: of(), 1: of(in_sync=2)}, ("ok", "warning"), "1 of 2 partitions have copies that lag"),
        ({0: of(), 1: of(replicas=1, in_sync=1)}, ("ok", "warning"), "one copy"),
    ],
)
def test_partitions_and_their_copies(found: dict[int, Any], outcomes: tuple[str, str], words: str) -> None:
    findings = list(partitions("canvas.raw", found, 3))
    assert tuple(finding.outcome for finding in findings) == outcomes
    assert any(words in finding.finding for finding in findings), findings


def test_what_is_needed_follows_from_the_doors_that_are_checked() -> None:
    kafka, state, spool = KafkaSettings(), BridgeStateSettings(), SpoolSettings()
    queue = SqsSettings(queue_url="https://sqs/1/canvas-live-events")
    assert largest(Site(kafka, state, spool, webhook=WebhookSettings(max_body_bytes=2_000_000))) == 2_065_536
    assert (
        largest(Site(kafka, state, spool, webhook=WebhookSettings(max_body_bytes=1000), sqs=queue))
        == 1_114_112
    )


class Client:
    """A KafkaClient that knows one topic."""

    topics: ClassVar[Any] = {"canvas.raw": SimpleNamespace(error=None, partitions={0: of(), 1: of()})}
    rights: ClassVar[Any] = {"WRITE", "DESCRIBE"}
    settings: ClassVar[Any] = GOOD

    def __init__(self, settings: KafkaSettings) -> None: ...

    def metadata(self) -> Any:
        return SimpleNamespace(topics=self.topics, brokers={1: None, 2: None, 3: None})

    def allowed(self, topic: str) -> Any:
        if isinstance(self.rights, Exception):
            raise self.rights
        return self.rights

    def topic_settings(self, topic: str) -> Any:
        if isinstance(self.settings, Exception):
            raise self.settings
        return self.settings


def found(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, Finding]:
    monkeypatch.setattr(raw_topic_module, "KafkaClient", type("Changed", (Client,), changes))
    site = Site(KafkaSettings(), BridgeStateSettings(), SpoolSettings(), webhook=WebhookSettings())
    return {finding.name: finding for finding in RawTopicCheck().find(site)}


def test_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch)
    assert {finding.outcome for finding in findings.values()} == {"ok"}, findings
    assert len(findings) == 7


@pytest.mark.parametrize("topics", [{}, {"canvas.raw": SimpleNamespace(error="denied", partitions={})}])
def test_a_topic_that_is_missing(monkeypatch: pytest.MonkeyPatch, topics: Any) -> None:
    (finding,) = found(monkeypatch, topics=topics).values()
    assert finding.outcome == "problem"
    assert "canvas.raw does not exist" in finding.finding
    assert "canvas-processors topics create" in finding.remedy


@pytest.mark.parametrize(
    ("rights", "outcome"),
    [
        ({"DESCRIBE", "READ"}, "problem"),
        ({"WRITE"}, "ok"),
        ({"ALL"}, "ok"),
        (None, "skipped"),
        (NoAnswer("timed out", ""), "skipped"),
    ],
)
def test_permission_to_write(monkeypatch: pytest.MonkeyPatch, rights: Any, outcome: str) -> None:
    finding = found(monkeypatch, rights=rights)["raw topic permission"]
    assert finding.outcome == outcome
    assert outcome == "ok" or "WRITE" in finding.remedy


def test_settings_that_may_not_be_seen_are_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch, settings=NoAnswer("Topic authorization failed", ""))
    assert findings["raw topic settings"].outcome == "skipped"
    assert "DESCRIBE_CONFIGS" in findings["raw topic settings"].remedy


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """A Kafka in this process."""
    cluster: Any = Producer({"bootstrap.servers": "x", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=30).brokers.values()
    yield f"{broker.host}:{broker.port}"
    del cluster  # it ends with its last handle


def asked(**settings: Any) -> Finding:
    site = Site(KafkaSettings(**settings), BridgeStateSettings(), SpoolSettings())
    (finding,) = KafkaCheck().find(site)
    return finding


def test_a_kafka_that_answers(servers: str) -> None:
    finding = asked(bootstrap_servers=servers)
    assert finding.outcome == "ok"
    assert "1 broker(s)" in finding.finding


@pytest.mark.parametrize(
    ("settings", "words", "remedy"),
    [
        ({"bootstrap_servers": "127.0.0.1:1"}, "refused", "port is open"),
        ({"bootstrap_servers": "no-such-host.invalid:9092"}, "resolve", "KAFKA_BOOTSTRAP_SERVERS"),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "x",
                "sasl_password": "swordfish",
            },
            "SASL",
            "KAFKA_SASL_MECHANISM",
        ),
        ({"security_protocol": "SSL"}, "SSL", "KAFKA_SECURITY_PROTOCOL"),
        ({"security_protocol": "SSL", "ssl_ca_location": "/no/such/ca.pem"}, "ssl.ca.location", "KAFKA_"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "NONE", "sasl_username": "x"},
            "Unsupported SASL mechanism",
            "KAFKA_",
        ),
    ],
)
def test_a_kafka_that_does_not_answer_is_told_with_cause_and_remedy(
    servers: str, settings: dict[str, Any], words: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.check.kafka_client.ANSWER_SECONDS", 1.0)
    finding = asked(**{"bootstrap_servers": servers, **settings})
    assert finding.outcome == "problem"
    assert words in finding.finding
    assert remedy in finding.remedy
    assert "swordfish" not in str(finding)
