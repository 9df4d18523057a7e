"""Every object of every example is valid Kubernetes, and keeps the rules of a restricted namespace."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils
import pytest

from tests.chart.release import (
    CHART,
    EXAMPLES,
    MINIMUM,
    NETWORK,
    SPOOL,
    SQS,
    Manifest,
    Release,
    containers,
    example,
    merged,
    pod_template,
    read_yaml,
    render,
)

VERSIONS = ["1.30", kubernetes_validate.latest_version()]
SELECTING = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")
LABELS = (*SELECTING, "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart")


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    read = kubernetes_validate.utils.schema_contents
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", functools.cache(read))
        yield


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


@pytest.fixture
def release(path: Path) -> Release:
    return example(path)


@pytest.fixture
def pods(release: Release) -> list[Manifest]:
    return [pod_template(workload)["spec"] for workload in release.workloads()]


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_are_valid(release: Release, version: str) -> None:
    native = release.native()
    for manifest in native:
        kubernetes_validate.validate(manifest, version, strict=True)
    assert len(native) >= 10


def test_the_oldest_version_allowed_is_validated() -> None:
    assert read_yaml(CHART / "Chart.yaml")["kubeVersion"] == f">={VERSIONS[0]}.0-0"


def test_the_validator_can_refuse(release: Release) -> None:
    service = release.one("Service", "worker")
    wrong = {**service, "spec": {**service["spec"], "ports": [{"port": "eighty"}]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_names_are_unique_and_short(release: Release) -> None:
    kinds = release.kinds()
    assert len(set(kinds)) == len(kinds)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 63 for _, name in kinds)


def test_every_object_says_what_it_belongs_to(release: Release) -> None:
    for manifest in release.manifests:
        metadata = manifest["metadata"]
        assert metadata["namespace"] == "data"
        assert set(LABELS) <= set(metadata["labels"]), metadata["name"]


def test_selectors_match_their_own_pods_alone(release: Release) -> None:
    labels = {
        item["metadata"]["name"]: pod_template(item)["metadata"]["labels"] for item in release.workloads()
    }
    selectors = _selectors(release)
    assert selectors
    for owner, selector in selectors:
        matched = [name for name, own in labels.items() if selector.items() <= own.items()]
        assert matched == [owner.removesuffix("-pods")]


def _selectors(release: Release) -> list[tuple[str, dict[str, str]]]:
    found = []
    for item in release.native():
        spec = item.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector")
        if selector:
            found.append((item["metadata"]["name"], selector.get("matchLabels", selector)))
    return found


def test_pods_are_restricted(pods: list[Manifest]) -> None:
    for pod in pods:
        context = pod["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, 10001, 10001)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {next(key for key in volume if key != "name") for volume in pod["volumes"]} <= {
            "configMap",
            "emptyDir",
            "secret",
        }


def test_containers_are_restricted(release: Release) -> None:
    for workload in release.workloads():
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_images_are_pinned(release: Release) -> None:
    for workload in release.workloads():
        for container in containers(workload):
            assert re.search(r"(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$", container["image"])


def test_mounts_have_volumes(release: Release) -> None:
    for workload in release.workloads():
        claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]
        volumes = [volume["name"] for volume in pod_template(workload)["spec"]["volumes"]] + claims
        assert len(set(volumes)) == len(volumes)
        for container in containers(workload):
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)


def test_probes_ask_the_admin_port(release: Release) -> None:
    served = [item for item in release.workloads() if item["kind"] not in ("Job", "Pod")]
    assert served
    for workload in served:
        (container,) = containers(workload)
        asked = {
            name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert {get["port"] for get in asked.values()} == {"admin"}
        assert "admin" in {port["name"] for port in container["ports"]}
        assert asked["readinessProbe"]["path"] == "/healthz/ready"
        assert asked["livenessProbe"]["path"] == asked["startupProbe"]["path"] == "/healthz/live"


def test_service_accounts_exist_and_carry_no_token(release: Release) -> None:
    accounts = {
        item["metadata"]["name"]: item for item in release.manifests if item["kind"] == "ServiceAccount"
    }
    for workload in release.workloads():
        account = accounts[pod_template(workload)["spec"]["serviceAccountName"]]
        assert account["automountServiceAccountToken"] is False


def test_the_job_runs_before_everything_with_what_it_needs(release: Release) -> None:
    job, account = release.one("Job", "setup"), release.one("ServiceAccount", "setup")
    hooks = [item["metadata"]["annotations"] for item in (account, job)]
    assert {hook["helm.sh/hook"] for hook in hooks} == {"pre-install,pre-upgrade"}
    assert int(hooks[0]["helm.sh/hook-weight"]) < int(hooks[1]["helm.sh/hook-weight"])
    commands = [container["command"] for container in containers(job)]
    assert commands == [
        ["canvas-processors", "topics", "create"],
        ["canvas-processors", "schemas", "register"],
    ]


def test_the_worker_keeps_its_name(release: Release) -> None:
    worker = release.one("StatefulSet", "worker")
    (container,) = containers(worker)
    named: list[Any] = [
        item["valueFrom"] for item in container["env"] if item["name"] == "PROCESSORS_INSTANCE_ID"
    ]
    assert named == [{"fieldRef": {"fieldPath": "metadata.name"}}]
    assert worker["spec"]["serviceName"] == release.one("Service", "worker")["metadata"]["name"]


def test_long_release_names_still_fit() -> None:
    long = render(MINIMUM, SPOOL, NETWORK, name="a" * 53)
    assert all(len(name) <= 63 for _, name in long.kinds())
    for component in ("webhook", "worker"):
        # A StatefulSet's pods carry its name and a hash of eleven characters as a label.
        assert len(long.one("StatefulSet", component)["metadata"]["name"]) <= 52


def test_spread_constraints_select_the_component() -> None:
    given = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    release = render(MINIMUM, {"webhook": {"topologySpreadConstraints": [given]}})
    template = pod_template(release.one("Deployment", "webhook"))
    (constraint,) = template["spec"]["topologySpreadConstraints"]
    assert given.items() <= constraint.items()
    assert constraint["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


@pytest.mark.parametrize("more", [{}, merged(SPOOL, NETWORK)], ids=["plain", "all"])
def test_a_component_that_is_off_leaves_nothing(more: dict[str, Any]) -> None:
    for component in ("webhook", "sqs", "worker", "setup"):
        off = render(MINIMUM, SQS, more, {component: {"enabled": False}})
        assert not [name for _, name in off.kinds() if f"-{component}-" in f"{name}-"]
