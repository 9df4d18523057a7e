"""What `helm test` runs: each component's own checks, with what its pods have."""

from pathlib import Path

import pytest

from tests.chart.programs import command_of
from tests.chart.release import (
    EXAMPLES,
    MINIMUM,
    NETWORK,
    SPOOL,
    SQS,
    Release,
    at,
    containers,
    example,
    render,
    variables,
)

COMMANDS = {
    "webhook": [["canvas-bridge", "check", "webhook"]],
    "sqs": [["canvas-bridge", "check", "sqs"]],
    "worker": [
        ["canvas-processors", "topics", "create", "--dry-run"],
        ["canvas-processors", "schemas", "register", "--dry-run"],
    ],
}
KINDS = {"webhook": "Deployment", "sqs": "Deployment", "worker": "StatefulSet"}


def test_each_component_has_its_checks() -> None:
    release = render(MINIMUM, SQS)
    for component, commands in COMMANDS.items():
        pod = release.one("Pod", f"{component}-test")
        assert [container["command"] for container in containers(pod)] == commands
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
        assert pod["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("arguments", [line for lines in COMMANDS.values() for line in lines], ids=" ".join)
def test_the_checks_are_commands(arguments: list[str]) -> None:
    program, *rest = arguments
    names = rest[:1] if rest[0] == "check" else rest[:2]
    context = command_of(program, *names).make_context(names[-1], rest[len(names) :])
    assert context.params.get("dry_run", True) is True
    assert context.params.get("doors", ()) == tuple(rest[1:] if rest[0] == "check" else ())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_check_has_what_the_pods_have(path: Path) -> None:
    for component, pod, own in _checked(example(path)):
        given = {name: value for container in containers(pod) for name, value in variables(container).items()}
        assert {name: value for name, value in given.items() if name in own} == {
            name: value for name, value in own.items() if name in given
        }
        connection = {name for name in own if name.startswith(("KAFKA_", "SCHEMA_", "AWS_", "SECRETS_"))}
        assert connection <= given.keys(), component
        mounted = {mount["mountPath"] for mount in containers(pod)[0]["volumeMounts"]}
        files = [value for name, value in given.items() if name.endswith(("_LOCATION", "_DIR", "_FILE"))]
        assert all(any(value.startswith(place) for place in mounted) for value in files)


def _checked(release: Release) -> list[tuple[str, dict[str, object], dict[str, str]]]:
    found = []
    for component, kind in KINDS.items():
        pods = [
            item for item in release.workloads() if item["metadata"]["name"].endswith(f"-{component}-test")
        ]
        for pod in pods:
            kinds = (kind, "StatefulSet")
            (workload,) = (
                item
                for item in release.workloads()
                if item["kind"] in kinds and item["metadata"]["name"].endswith(f"-{component}")
            )
            found.append((component, pod, variables(containers(workload)[0])))
    assert found
    return found


def test_a_check_has_the_role_of_what_it_checks() -> None:
    release = render(MINIMUM, SQS)
    for component, kind in KINDS.items():
        account = release.one(kind, component)["spec"]["template"]["spec"]["serviceAccountName"]
        assert release.one("Pod", f"{component}-test")["spec"]["serviceAccountName"] == account


def test_a_check_knows_nothing_of_the_pods_own_disks() -> None:
    tls = at("webhook.tls.existingSecret", "certificate")
    (container,) = containers(render(MINIMUM, SPOOL, tls).one("Pod", "webhook-test"))
    assert not [name for name in variables(container) if "SPOOL" in name or "STATE" in name or "TLS" in name]


def test_a_check_may_ask_what_the_pods_may_ask() -> None:
    release = render(MINIMUM, SQS, NETWORK)
    for component in KINDS:
        own, check = (release.one("NetworkPolicy", name)["spec"] for name in (component, f"{component}-test"))
        assert check["egress"] == own["egress"]
        assert check["ingress"] == []
        # Helm reads a log for every object of the test: the pods are to be all of them.
        assert "annotations" not in release.one("NetworkPolicy", f"{component}-test")["metadata"]
        labels = release.one("Pod", f"{component}-test")["metadata"]["labels"]
        assert check["podSelector"]["matchLabels"].items() <= labels.items()
