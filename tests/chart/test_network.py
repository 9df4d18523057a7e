"""Who may reach the pods and what they may reach: Services, the Ingress, network policies."""

from pathlib import Path
from typing import Any

import pytest

from tests.chart.release import (
    EXAMPLES,
    MINIMUM,
    NETWORK,
    SQS,
    Manifest,
    Release,
    Values,
    at,
    containers,
    example,
    merged,
    render,
)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_ports_of_the_examples_lead_to_ports(path: Path) -> None:
    assert_that_ports_lead_to_ports(example(path))


def assert_that_ports_lead_to_ports(release: Release) -> None:
    """Each port of a Service is one of its pods', that of an Ingress one of its Service's."""
    pods = {
        item["metadata"]["name"]: {port["name"] for port in containers(item)[0].get("ports", [])}
        for item in release.workloads()
    }
    services = {
        item["metadata"]["name"]: item["spec"]["ports"]
        for item in release.manifests
        if item["kind"] == "Service"
    }
    for name, ports in services.items():
        assert {port["targetPort"] for port in ports} <= pods[name.removesuffix("-pods")]
    for item in release.manifests:
        if item["kind"] == "Ingress":
            (rule,) = item["spec"]["rules"]
            backend = rule["http"]["paths"][0]["backend"]["service"]
            assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]}


@pytest.mark.parametrize(
    ("accept", "tls", "path_type", "port"),
    [("signed", "", "Exact", "http"), ("plain", "", "Prefix", "http"), ("both", "own", "Prefix", "https")],
)
def test_an_ingress_leads_to_the_webhook(accept: str, tls: str, path_type: str, port: str) -> None:
    ingress = {"accept": accept, "ingress": {"enabled": True, "host": "events.example.edu"}}
    release = render(MINIMUM, {"webhook": {**ingress, "tls": {"existingSecret": tls}}})
    (rule,) = release.one("Ingress", "webhook")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["pathType"] == path_type
    assert path["backend"]["service"]["port"] == {"name": port}
    assert_that_ports_lead_to_ports(release)


def ports(rule: Manifest) -> set[tuple[str, int]]:
    """What a rule lets through."""
    return {(port["protocol"], port["port"]) for port in rule["ports"]}


def test_there_are_no_network_policies_unless_asked_for() -> None:
    assert "NetworkPolicy" not in {kind for kind, _ in render(MINIMUM, SQS).kinds()}


def test_network_policies_let_in_what_the_pods_serve() -> None:
    release = render(MINIMUM, SQS, NETWORK)
    for workload in release.workloads():
        component = workload["metadata"]["labels"]["app.kubernetes.io/component"]
        spec = release.one("NetworkPolicy", component)["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        let_in = {port for rule in spec["ingress"] for port in ports(rule)}
        served = [port for container in containers(workload) for port in container.get("ports", [])]
        assert let_in == {("TCP", port["containerPort"]) for port in served}
        assert not [rule for rule in spec["ingress"] if "from" in rule]


def test_network_policies_know_who_may_ask() -> None:
    canvas: Values = {"ipBlock": {"cidr": "192.0.2.0/24"}}
    prometheus: Values = {"namespaceSelector": {}}
    peers = at("networkPolicy", {"webhookFrom": [canvas], "metricsFrom": [prometheus]})
    release = render(MINIMUM, NETWORK, peers)
    asking = {
        (component, port): rule["from"]
        for component in ("webhook", "worker")
        for rule in release.one("NetworkPolicy", component)["spec"]["ingress"]
        for _, port in ports(rule)
    }
    assert asking == {
        ("webhook", 8080): [canvas],
        ("webhook", 9090): [prometheus],
        ("worker", 9091): [prometheus],
    }


REGISTRY = at("schemaRegistry.url", "http://registry:8081/apis/ccompat/v7")
BROKERS = at("kafka.bootstrapServers", "one:9094,two:9095,[2001:db8::1]:9096")
OUT = {
    "webhook": {9094, 9095, 9096, 443},
    "sqs": {9094, 9095, 9096, 443},
    "worker": {9094, 9095, 9096, 8081},
    "setup": {9094, 9095, 9096, 8081},
}


@pytest.mark.parametrize("component", OUT)
def test_network_policies_let_out_what_the_pods_ask(component: str) -> None:
    def let_out(*layers: dict[str, Any]) -> set[tuple[str, int]]:
        release = render(merged(MINIMUM, SQS, NETWORK, BROKERS, REGISTRY, *layers))
        rules = release.one("NetworkPolicy", component)["spec"]["egress"]
        return {port for rule in rules for port in ports(rule)}

    dns = {("UDP", 53), ("TCP", 53)}
    expected = dns | {("TCP", port) for port in OUT[component]}
    assert let_out() == expected
    extra = [{"ports": [{"protocol": "TCP", "port": 1234}]}]
    assert let_out(at("networkPolicy.extraEgress", extra)) == expected | {("TCP", 1234)}
    collector = {("TCP", 4318)} if component != "setup" else set()
    assert let_out(at("tracing.otlpEndpoint", "http://collector:4318")) == expected | collector
    keys = {("TCP", 443)} if component == "webhook" else set()
    assert let_out(at("webhook.accept", "plain")) == expected - keys


def test_the_jobs_network_policy_is_there_before_it() -> None:
    release = render(MINIMUM, NETWORK)
    policy, job = release.one("NetworkPolicy", "setup"), release.one("Job", "setup")
    hooks = [item["metadata"]["annotations"] for item in (policy, job)]
    assert {hook["helm.sh/hook"] for hook in hooks} == {"pre-install,pre-upgrade"}
    assert int(hooks[0]["helm.sh/hook-weight"]) < int(hooks[1]["helm.sh/hook-weight"])
