"""What a policy scan finds in the examples, with the reason for each finding: `make chart-release-check`.

CHECKOV names the program, which wants an environment of its own; where it is not set it is that of the PATH.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.release import EXAMPLES, containers, example

CHECKOV = shutil.which(os.environ.get("CHECKOV", "checkov"))
# Check -> why what it asks for is not done.
ACCEPTED = {
    "CKV_K8S_8": "no liveness probe: the pod of a check ends by itself",
    "CKV_K8S_9": "no readiness probe: nobody asks the pod of a check for anything",
    "CKV_K8S_11": "no CPU limit: it would only throttle, and what is requested is kept free by the scheduler",
    "CKV_K8S_15": "no pull at each start: images are pinned by version or digest, and a registry may be away",
    "CKV_K8S_43": "no digest: there is none until you have built and pushed the image",
    "CKV2_K8S_6": "no network policy: yours to switch on, for it needs your peers and ports",
}


@dataclass(frozen=True)
class Finding:
    """One of the scan's. `resource`: kind.namespace.name"""

    example: str
    check: str
    text: str
    resource: str


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    # Apart, for the scan takes a policy for one of all pods with its labels, wherever they are.
    return {
        finding
        for isolated in (True, False)
        for finding in _scan(isolated, tmp_path_factory.mktemp("rendered"))
    }


def _scan(isolated: bool, folder: Path) -> set[Finding]:  # noqa: FBT001 - named where it is called
    for path in (each for each in EXAMPLES if _is_isolated(each) is isolated):
        (folder / f"{path.stem}.yaml").write_text(yaml.safe_dump_all(example(path).manifests))
    assert CHECKOV, "there is no program checkov: set CHECKOV to its path"
    options = ["--directory", str(folder), "--framework", "kubernetes", "--skip-download", "--output", "json"]
    report: Any = json.loads(subprocess.run([CHECKOV, *options], capture_output=True, check=False).stdout)
    assert report["summary"]["passed"] > 500
    assert not report["summary"]["parsing_errors"]
    return {
        Finding(Path(each["file_path"]).stem, each["check_id"], each["check_name"], each["resource"])
        for each in report["results"]["failed_checks"]
    }


def _is_isolated(path: Path) -> bool:
    return "NetworkPolicy" in {kind for kind, _ in example(path).kinds()}


def test_every_finding_has_its_reason(findings: set[Finding]) -> None:
    assert {finding for finding in findings if finding.check not in ACCEPTED} == set()
    assert {finding.check for finding in findings} == ACCEPTED.keys()


def test_the_reasons_hold(findings: set[Finding]) -> None:
    without = {path.stem for path in EXAMPLES if not _is_isolated(path)}
    tagged = {path.stem for path in EXAMPLES if "@sha256:" not in _image(path)}
    for finding in findings:
        if finding.check in ("CKV_K8S_8", "CKV_K8S_9"):
            assert finding.resource.startswith("Pod.")
            assert finding.resource.endswith("-test")
        assert finding.check != "CKV2_K8S_6" or finding.example in without
        assert finding.check != "CKV_K8S_43" or finding.example in tagged


def _image(path: Path) -> str:
    image: str = containers(example(path).workloads()[0])[0]["image"]
    return image
