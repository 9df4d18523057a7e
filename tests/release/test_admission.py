"""The chart on a real API server: admitted under Pod Security "restricted", upgraded, rolled back, refused.

HELM as in test_other_helms.py, its first program; CRDS as in tests/chart/crds.py, KUBE as in api_server.py.
Nothing runs in the pods: what the programs do in them is what the container tests show.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.crds import FOLDER
from tests.chart.release import CHART, EXAMPLES, Release, example
from tests.integration.door_process import wait_for
from tests.release.api_server import ApiServer, Object, Refused, api_server
from tests.release.kubelet import Kubelet
from tests.release.test_other_helms import HELMS, run

# There is no cloud that would give a load balancer an address.
OURS = {"webhook": {"service": {"type": "ClusterIP"}}}
SPOOL = CHART / "ci" / "spool-tls-privacy-values.yaml"
HELM = HELMS[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("kubernetes")) as server:
        for path in sorted(FOLDER.glob("*.yaml")):
            for definition in filter(None, yaml.safe_load_all(path.read_text())):
                server.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        yield server


@pytest.fixture(scope="module")
def kubelet(server: ApiServer) -> Iterator[Kubelet]:
    with Kubelet(server) as kubelet:
        yield kubelet


class Site:
    """One namespace, and Helm in it."""

    def __init__(self, server: ApiServer, kubelet: Kubelet, name: str, folder: Path) -> None:
        self.server, self.kubelet, self.name = server, kubelet, name
        self._ours = folder / "ours.yaml"
        self._ours.write_text(json.dumps(OURS))
        server.namespace(name)

    def helm(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return run(HELM, *arguments, "--namespace", self.name, "--kubeconfig", self.server.kubeconfig)

    def succeeds(self, *arguments: object) -> str:
        done = self.helm(*arguments)
        assert not done.returncode, done.stderr
        return done.stdout

    def deploy(self, verb: str, values: Path, *more: str) -> "subprocess.CompletedProcess[str]":
        layers = ("--values", values, "--values", self._ours)
        return self.helm(verb, "canvas", CHART, *layers, *more, "--wait", "--timeout", "3m")

    def deployed(self, verb: str, values: Path, *more: str) -> None:
        done = self.deploy(verb, values, *more)
        assert not done.returncode, done.stderr

    def objects(self, kind: str) -> list[Object]:
        group = "/apis/apps/v1" if kind == "statefulsets" else "/api/v1"
        return self.server.items(f"{group}/namespaces/{self.name}/{kind}")

    def images(self) -> set[str]:
        return {
            container["image"]
            for pod in self.objects("pods")
            if pod["spec"]["restartPolicy"] == "Always" and "deletionTimestamp" not in pod["metadata"]
            for container in pod["spec"]["containers"]
        }


@pytest.fixture
def site(
    server: ApiServer, kubelet: Kubelet, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Site]:
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower()).strip("-")
    site = Site(server, kubelet, name[:60].rstrip("-"), tmp_path)
    yield site
    kubelet.fails = lambda pod: False
    site.helm("uninstall", "canvas", "--wait")


def test_the_server_refuses_what_is_not_restricted(site: Site) -> None:
    pod: Any = {"metadata": {"name": "careless"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    with pytest.raises(Refused, match="violates PodSecurity"):
        site.server.ask("POST", f"/api/v1/namespaces/{site.name}/pods", pod)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_admitted_and_its_tests_too(site: Site, path: Path) -> None:
    site.deployed("install", path)
    tested = site.succeeds("test", "canvas", "--timeout", "2m")
    assert "Succeeded" in tested
    assert _pods_of(example(path)) <= {
        pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in site.objects("pods")
    }
    assert not [event for event in site.objects("events") if "PodSecurity" in event["message"]]


def _pods_of(release: Release) -> set[str]:
    """The components that have at least a pod, the checks among them."""
    return {
        item["metadata"]["labels"]["app.kubernetes.io/component"]
        for item in release.workloads()
        if item["kind"] != "Job" and item.get("spec", {}).get("replicas") != 0
    }


def test_an_upgrade_is_taken_back_by_a_rollback(site: Site) -> None:
    site.deployed("install", SPOOL)
    (before,) = site.images()
    site.deployed("upgrade", SPOOL, "--set", "image.tag=9.9.9")
    (after,) = site.images()
    assert after.endswith(":9.9.9")
    site.succeeds("rollback", "canvas", "1", "--wait", "--timeout", "3m")
    wait_for(lambda: site.images() == {before}, "the old image in all pods")


def test_an_upgrade_whose_guard_refuses_changes_nothing(site: Site) -> None:
    site.deployed("install", SPOOL)
    before = _webhook(site)
    site.kubelet.fails = lambda pod: "guard" in pod["metadata"]["name"]
    refused = site.deploy("upgrade", SPOOL, "--set", "webhook.replicas=1")
    assert refused.returncode
    assert "guard" in refused.stderr
    assert _webhook(site)["spec"] == before["spec"]
    site.kubelet.fails = lambda pod: False
    site.deployed("upgrade", SPOOL, "--set", "webhook.replicas=1")
    assert _webhook(site)["spec"]["replicas"] == 1


def test_an_upgrade_whose_schemas_are_refused_changes_nothing(site: Site) -> None:
    site.deployed("install", SPOOL)
    before = site.images()
    site.kubelet.fails = lambda pod: "setup" in pod["metadata"]["name"]
    assert site.deploy("upgrade", SPOOL, "--set", "image.tag=9.9.9").returncode
    assert site.images() == before


def test_a_check_that_fails_fails_the_test(site: Site) -> None:
    site.deployed("install", SPOOL)
    site.kubelet.fails = lambda pod: pod["metadata"]["name"].endswith("worker-test")
    assert site.helm("test", "canvas", "--timeout", "2m").returncode


def _webhook(site: Site) -> Object:
    (found,) = (item for item in site.objects("statefulsets") if item["metadata"]["name"].endswith("webhook"))
    return found
