"""The chart under other Helms than Helm 4's library, which the other tests use: `make chart-release-check`.

HELM names their programs, path,path; where it is not set it is the helm of the PATH.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart.release import CHART, EXAMPLES, MINIMUM, Manifest, Values, example, merged, read_yaml
from tests.chart.test_refusals import IMPOSSIBLE, INVALID

OLDEST = read_yaml(CHART / "Chart.yaml")["kubeVersion"].strip(">=").removesuffix("-0")
HELMS = os.environ.get("HELM", "helm").split(",")
REFUSED = [*IMPOSSIBLE[:: max(1, len(IMPOSSIBLE) // 8)], *INVALID[:: max(1, len(INVALID) // 4)]]


@pytest.fixture(params=HELMS)
def helm(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    program = shutil.which(name)
    assert program, f"there is no program {name}: set HELM to path,path"
    return program


def run(helm: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [helm, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def template(helm: str, values: Path) -> "subprocess.CompletedProcess[str]":
    # A Helm built by `go install` knows of no Kubernetes newer than 1.20.
    options = ("--namespace", "data", "--kube-version", OLDEST, "--values", values)
    return run(helm, "template", "canvas", CHART, *options)


def sorted_by_name(manifests: list[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda item: (item["kind"], item["metadata"]["name"]))


def test_it_is_another_helm(helm: str) -> None:
    version = run(helm, "version", "--short").stdout
    assert version.startswith(("v3.", "v4.")), version


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_helm_renders_the_same(helm: str, path: Path) -> None:
    rendered = template(helm, path)
    assert not rendered.returncode, rendered.stderr
    found = [item for item in yaml.safe_load_all(rendered.stdout) if item]
    assert sorted_by_name(found) == sorted_by_name(example(path).manifests)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_helm_finds_fault(helm: str, path: Path) -> None:
    linted = run(helm, "lint", "--strict", "--kube-version", OLDEST, "--values", path, CHART)
    assert not linted.returncode, linted.stdout + linted.stderr


@pytest.mark.parametrize(("change", "sentence"), REFUSED, ids=[text for _, text in REFUSED])
def test_every_helm_refuses(helm: str, tmp_path: Path, change: Values, sentence: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(merged(MINIMUM, change)))
    refused = template(helm, values)
    assert refused.returncode
    # The two word a schema's findings, and the path to them, each in its own way.
    last = sentence.rpartition("/")[2] if sentence.startswith("/") else sentence
    assert last.strip("'").split("'")[0] in refused.stderr
