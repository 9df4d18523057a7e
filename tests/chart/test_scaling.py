"""What scales a component, how far, and how it asks: HorizontalPodAutoscaler and KEDA."""

from typing import Any

import pytest

from processors.settings import WorkerSettings
from tests.chart.release import (
    MINIMUM,
    SQS,
    Manifest,
    Release,
    Values,
    at,
    containers,
    merged,
    render,
    variables,
)

SCALED = {
    component: at(f"{component}.autoscaling.enabled", True) for component in ("webhook", "sqs", "worker")
}
REGION = at("sqs.aws.region", "eu-central-1")
AWS_QUEUE = at(
    "sqs", {"enabled": True, "queueUrl": "https://sqs.us-east-2.amazonaws.com/123456789012/canvas"}
)
SASL = {
    "existingSecret": "secrets",
    "kafka": {
        "bootstrapServers": "one:9094,two:9094",
        "securityProtocol": "SASL_SSL",
        "saslMechanism": "SCRAM-SHA-512",
        "saslUsername": "bridge",
        "tls": {"existingSecret": "ca"},
    },
}


def scaled(*layers: Values) -> Release:
    return render(MINIMUM, AWS_QUEUE, *SCALED.values(), *layers)


def trigger(release: Release, component: str) -> Manifest:
    (found,) = release.one("ScaledObject", component)["spec"]["triggers"]
    return dict(found)


def asked_of(release: Release, component: str) -> dict[str, tuple[str, str]]:
    """Where KEDA takes each parameter from: parameter -> Secret and key."""
    spec = release.one("TriggerAuthentication", component)["spec"]
    return {item["parameter"]: (item["name"], item["key"]) for item in spec.get("secretTargetRef", [])}


def test_nothing_scales_unless_asked_for() -> None:
    kinds = {kind for kind, _ in render(MINIMUM, SQS).kinds()}
    assert not kinds & {"HorizontalPodAutoscaler", "ScaledObject", "TriggerAuthentication"}


def test_who_scales_sets_the_number_of_pods_alone() -> None:
    release = scaled()
    for kind, component, scaler in (
        ("Deployment", "webhook", "HorizontalPodAutoscaler"),
        ("Deployment", "sqs", "ScaledObject"),
        ("StatefulSet", "worker", "ScaledObject"),
    ):
        workload = release.one(kind, component)
        assert "replicas" not in workload["spec"]
        target = release.one(scaler, component)["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == (kind, workload["metadata"]["name"])
        assert render(MINIMUM, AWS_QUEUE).one(kind, component)["spec"]["replicas"] >= 1


def test_pods_go_one_at_a_time() -> None:
    release = scaled()
    behaviors = [release.one("HorizontalPodAutoscaler", "webhook")["spec"]["behavior"]] + [
        release.one("ScaledObject", component)["spec"]["advanced"]["horizontalPodAutoscalerConfig"][
            "behavior"
        ]
        for component in ("sqs", "worker")
    ]
    for behavior in behaviors:
        assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300


def test_a_scaler_that_cannot_measure_takes_no_pod_away() -> None:
    for component in ("sqs", "worker"):
        spec = scaled().one("ScaledObject", component)["spec"]
        assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
        assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]


def test_keda_counts_what_the_workers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    release = scaled(at("kafka.topicPrefix", "school."), at("worker.groupId", "ours"))
    metadata = trigger(release, "worker")["metadata"]
    (container,) = containers(release.one("StatefulSet", "worker"))
    for name, value in variables(container).items():
        monkeypatch.setenv(name, value)
    assert metadata["consumerGroup"] == WorkerSettings().group_id == "ours"
    assert metadata["topic"] == "school.raw"
    assert metadata["bootstrapServers"] == variables(container)["KAFKA_BOOTSTRAP_SERVERS"]
    assert metadata["offsetResetPolicy"] == "earliest"
    assert metadata["excludePersistentLag"] == "true"
    assert metadata["allowIdleConsumers"] == "false"
    assert all(isinstance(value, str) for value in metadata.values())


def test_keda_shows_kafka_nothing_where_the_workers_show_nothing() -> None:
    release = scaled()
    found = trigger(release, "worker")
    assert "authenticationRef" not in found
    assert found["metadata"]["tls"] == "disable"
    assert "sasl" not in found["metadata"]
    assert [name for kind, name in release.kinds() if kind == "TriggerAuthentication"] == [
        "canvas-canvas-bridge-sqs"
    ]


def test_keda_shows_kafka_what_the_workers_show() -> None:
    release = scaled(SASL)
    found = trigger(release, "worker")
    authentication = release.one("TriggerAuthentication", "worker")
    assert found["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert (found["metadata"]["sasl"], found["metadata"]["tls"]) == ("scram_sha512", "enable")
    assert asked_of(release, "worker") == {
        "password": ("secrets", "kafka_sasl_password"),
        "ca": ("ca", "ca.crt"),
    }
    (username,) = authentication["spec"]["env"]
    (container,) = containers(release.one("StatefulSet", "worker"))
    assert username["containerName"] == container["name"]
    assert variables(container)[username["name"]] == "bridge"


@pytest.mark.parametrize(
    ("mechanism", "sasl"),
    [("PLAIN", "plaintext"), ("SCRAM-SHA-256", "scram_sha256"), ("SCRAM-SHA-512", "scram_sha512")],
)
def test_keda_has_its_own_names_for_mechanisms(mechanism: str, sasl: str) -> None:
    release = scaled(SASL, at("kafka.saslMechanism", mechanism), at("kafka.saslUsername", ""))
    assert trigger(release, "worker")["metadata"]["sasl"] == sasl
    assert asked_of(release, "worker")["username"] == ("secrets", "kafka_sasl_username")


@pytest.mark.parametrize(("client", "secret"), [("", "ca"), ("user", "user")])
def test_keda_shows_the_workers_certificate(client: str, secret: str) -> None:
    tls = {
        "existingSecret": "ca",
        "clientSecret": client,
        "certificateKey": "c.pem",
        "privateKeyKey": "k.pem",
    }
    release = scaled(at("kafka", {"securityProtocol": "SSL", "tls": tls}))
    found = asked_of(release, "worker")
    assert found == {"ca": ("ca", "ca.crt"), "cert": (secret, "c.pem"), "key": (secret, "k.pem")}
    (container,) = containers(release.one("StatefulSet", "worker"))
    volumes = release.one("StatefulSet", "worker")["spec"]["template"]["spec"]["volumes"]
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
    mounts = {mount["mountPath"]: secrets.get(mount["name"]) for mount in container["volumeMounts"]}
    certificate = variables(container)["KAFKA_SSL_CERTIFICATE_LOCATION"]
    assert mounts[certificate.removesuffix("/c.pem")] == secret


@pytest.mark.parametrize(
    ("layer", "region"), [({}, "us-east-2"), (merged(SQS, REGION), "eu-central-1"), (REGION, "eu-central-1")]
)
def test_keda_knows_the_region(layer: Values, region: str) -> None:
    assert trigger(scaled(layer), "sqs")["metadata"]["awsRegion"] == region


@pytest.mark.parametrize(
    ("change", "spec"),
    [
        ({}, {"podIdentity": {"provider": "aws", "identityOwner": "workload"}}),
        ({"identity": "keda"}, {"podIdentity": {"provider": "aws", "identityOwner": "keda"}}),
        (
            {"credentialsSecret": "keys"},
            {
                "secretTargetRef": [
                    {"parameter": "awsAccessKeyID", "name": "keys", "key": "aws_access_key_id"},
                    {"parameter": "awsSecretAccessKey", "name": "keys", "key": "aws_secret_access_key"},
                ]
            },
        ),
    ],
)
def test_keda_may_look_at_the_queue(change: Values, spec: Any) -> None:
    release = scaled(at("sqs.autoscaling", change))
    assert release.one("TriggerAuthentication", "sqs")["spec"] == spec
