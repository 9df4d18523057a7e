"""Values that cannot work are refused before anything is applied, each with a sentence that helps."""

import helm_python
import pytest

from tests.chart.release import CHART, MINIMUM, SPOOL, SQS, Values, at, merged, render

SASL = {"kafka": {"securityProtocol": "SASL_SSL", "saslMechanism": "PLAIN"}}

# Each of these changes makes the minimum impossible; the text is a part of the sentence.
IMPOSSIBLE: list[tuple[Values, str]] = [
    (at("kafka.bootstrapServers", ""), "kafka.bootstrapServers is empty"),
    (at("schemaRegistry.url", ""), "schemaRegistry.url is empty"),
    (SASL, "Secret with the key kafka_sasl_password"),
    ({"existingSecret": "s", "kafka": {"securityProtocol": "SASL_SSL"}}, "kafka.saslMechanism is empty"),
    (at("kafka.saslMechanism", "PLAIN"), "PLAINTEXT does not authenticate"),
    (at("kafka.tls.existingSecret", "ca"), "PLAINTEXT does not encrypt"),
    (at("kafka.tls.certificateKey", "tls.crt"), "go together"),
    ({"kafka": {"tls": {"certificateKey": "a", "privateKeyKey": "b"}}}, "without kafka.tls.existingSecret"),
    (
        {"kafka": {"securityProtocol": "SSL", "tls": {"clientSecret": "user"}}},
        "kafka.tls.clientSecret is set without kafka.tls.certificateKey",
    ),
    (
        {"kafka": {"tls": {"clientSecret": "user", "certificateKey": "a", "privateKeyKey": "b"}}},
        "kafka.tls.clientSecret is set, but kafka.securityProtocol PLAINTEXT does not encrypt",
    ),
    (at("kafka.deliveryTimeoutSeconds", 15), "kafka.deliveryTimeoutSeconds is 15, but Canvas waits 15 s"),
    (at("sqs.enabled", True), "sqs.queueUrl is empty"),
    (at("webhook.ingress.enabled", True), "webhook.ingress.host is empty"),
    ({"webhook": {"accept": "plain", "rootAccountUuids": ["mine"]}}, "would protect nobody"),
    (at("webhook.terminationGracePeriodSeconds", 35), "webhook.terminationGracePeriodSeconds is 35"),
    (
        merged(SPOOL, at("webhook.terminationGracePeriodSeconds", 105)),
        "webhook.terminationGracePeriodSeconds is 105: the pod would be killed with records on their way to "
        "Kafka. Set it to more than 105.",
    ),
    (
        merged(SPOOL, at("webhook.spool.waitSeconds", 80)),
        "webhook.terminationGracePeriodSeconds is 120",
    ),
    (
        merged(at("webhook.terminationGracePeriodSeconds", 40), at("tracing.otlpEndpoint", "http://c:4318")),
        "webhook.terminationGracePeriodSeconds is 40",
    ),
    (
        {"webhook": {"spool": {"enabled": True, "maxAgeHours": 168}}},
        "webhook.spool.maxAgeHours is 168, but the raw topic keeps events for 168 hours",
    ),
    (at("worker.deadLetterLimit.minimum", 2000), "worker.deadLetterLimit.minimum is 2000"),
    (at("worker.terminationGracePeriodSeconds", 20), "worker.terminationGracePeriodSeconds is 20"),
    (
        {"sqs": {"enabled": True, "queueUrl": "https://q", "terminationGracePeriodSeconds": 40}},
        "sqs.terminationGracePeriodSeconds is 40",
    ),
    (
        {"webhook": {"autoscaling": {"enabled": True}, "spool": {"enabled": True}}},
        "webhook.autoscaling.enabled and webhook.spool.enabled do not go together",
    ),
    (
        {"webhook": {"autoscaling": {"enabled": True, "minReplicas": 9}}},
        "webhook.autoscaling.minReplicas is 9, more than its maxReplicas, 8",
    ),
    (
        {"webhook": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
        "webhook.resources.requests.cpu is empty",
    ),
    (
        {"worker": {"autoscaling": {"enabled": True, "maxReplicas": 9}}},
        "worker.autoscaling.maxReplicas is 9, but the topics have 8 partitions",
    ),
    (
        {"worker": {"autoscaling": {"enabled": True, "maxReplicas": 3}}},
        "worker.autoscaling.fallback.replicas is 4, more than its maxReplicas, 3",
    ),
    (
        merged(SQS, at("sqs.autoscaling.enabled", True)),
        "sqs.aws.region is empty and sqs.queueUrl, https://sqs/",
    ),
    (
        merged(
            SQS, {"sqs": {"autoscaling": {"enabled": True}, "aws": {"region": "r", "credentialsSecret": "s"}}}
        ),
        "sqs.autoscaling.credentialsSecret is empty, but the door has no role",
    ),
    (at("webhook.extraEnv", [{"name": "BRIDGE_ADMIN__PORT", "value": "1"}]), "names BRIDGE_ADMIN__PORT"),
    (
        at("worker.extraEnv", [{"name": "PROCESSORS_INSTANCE_ID", "value": "x"}]),
        "names PROCESSORS_INSTANCE_ID",
    ),
]

# Each of these is no value at all; the text is where the schema says so.
INVALID: list[tuple[Values, str]] = [
    (at("webhok.enabled", True), "'webhok' not allowed"),
    (at("kafka.bootstrapServer", "kafka:9092"), "'bootstrapServer' not allowed"),
    (at("webhook.spool.sise", "1Gi"), "'sise' not allowed"),
    (at("kafka.bootstrapServers", "kafka"), "/kafka/bootstrapServers"),
    (at("kafka.securityProtocol", "TLS"), "/kafka/securityProtocol"),
    (at("image.tag", "latest"), "/image/tag"),
    (at("image.digest", "sha256:abc"), "/image/digest"),
    (at("webhook.accept", "anything"), "/webhook/accept"),
    (at("webhook.jwksUrl", "http://keys.example.edu"), "/webhook/jwksUrl"),
    (at("webhook.replicas", "2"), "/webhook/replicas"),
    (at("webhook.maxInFlightBytes", 1000), "/webhook/maxInFlightBytes"),
    (at("webhook.maxBodyBytes", 3_000_000), "/webhook/maxBodyBytes"),
    (at("webhook.maxConnections", 0), "/webhook/maxConnections"),
    (at("webhook.tls.certificate", "tls.crt"), "'certificate' not allowed"),
    (at("webhook.tls.certificateKey", ""), "/webhook/tls/certificateKey"),
    (at("webhook.spool.size", "much"), "/webhook/spool/size"),
    (at("webhook.spool.maxBytes", 1000), "/webhook/spool/maxBytes"),
    (at("webhook.spool.kafkaSeconds", 9), "/webhook/spool/kafkaSeconds"),
    (at("redact.queryKeys", ["user[pin]"]), "/redact/queryKeys/0"),
    (at("tracing.samplingRatio", 2), "/tracing/samplingRatio"),
    (at("tracing.otlpEndpoint", "collector:4318"), "/tracing/otlpEndpoint"),
    (at("worker.deadLetterLimit.share", 50), "/worker/deadLetterLimit/share"),
    (at("worker.privacy.policyKey", "a/b"), "/worker/privacy/policyKey"),
    (at("networkPolicy.webhookFrom", ["10.0.0.0/8"]), "/networkPolicy/webhookFrom/0"),
    (
        at("webhook.podLabels", {"app.kubernetes.io/name": "other"}),
        "invalid propertyName 'app.kubernetes.io/name'",
    ),
    (at("sqs.waitSeconds", 21), "/sqs/waitSeconds"),
    (at("webhook.autoscaling.minReplicas", 0), "/webhook/autoscaling/minReplicas"),
    (at("webhook.autoscaling.cpuPercent", 101), "/webhook/autoscaling/cpuPercent"),
    (at("sqs.autoscaling.identity", "pod"), "/sqs/autoscaling/identity"),
    (at("worker.autoscaling.minReplicas", 0), "/worker/autoscaling/minReplicas"),
    (at("worker.autoscaling.fallback.replica", 2), "'replica' not allowed"),
    (at("worker.delivery", "at_most_once"), "/worker/delivery"),
    (at("setup.partitions", 0), "/setup/partitions"),
]


def test_the_minimum_is_accepted() -> None:
    kinds = [item["kind"] for item in render(MINIMUM).workloads()]
    assert sorted(kinds) == ["Deployment", "Job", "Pod", "Pod", "StatefulSet"]


@pytest.mark.parametrize(("change", "sentence"), IMPOSSIBLE, ids=[text for _, text in IMPOSSIBLE])
def test_impossible_combinations(change: Values, sentence: str) -> None:
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render(MINIMUM, change)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(("change", "place"), INVALID, ids=[text for _, text in INVALID])
def test_invalid_values(change: Values, place: str) -> None:
    with pytest.raises(helm_python.HelmValuesError) as refused:
        render(MINIMUM, change)
    assert place in str(refused.value)


def test_a_registry_is_not_needed_by_the_doors() -> None:
    doors = {"schemaRegistry": {"url": ""}, "worker": {"enabled": False}, "setup": {"enabled": False}}
    assert [item["kind"] for item in render(MINIMUM, doors).workloads()] == ["Deployment", "Pod"]


def test_sasl_with_a_secret_is_accepted() -> None:
    assert render(MINIMUM, SASL, {"existingSecret": "canvas-bridge"}).workloads()


def test_lint_finds_nothing() -> None:
    report = helm_python.lint(CHART, MINIMUM, strict=True, kube_version="v1.30.0")
    warnings = [message for message in report["messages"] if message["severity"] >= 2]
    assert (report["errors"], warnings) == ([], [])
