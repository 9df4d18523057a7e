"""What a policy scan finds in the examples, with the reason for each finding: `make chart-release-check`.

CHECKOV names the program, which wants an environment of its own; where it is not set it is that of the PATH.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.release import EXAMPLES, example

CHECKOV = shutil.which(os.environ.get("CHECKOV", "checkov"))
# Check -> why what it asks for is not done.
ACCEPTED = {
    "CKV_K8S_11": "no CPU limit: one would only throttle; what is requested is kept free by the scheduler",
}


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def failed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    assert CHECKOV, "there is no program checkov: set CHECKOV to its path"
    path: Path = request.param
    folder = tmp_path_factory.mktemp(path.stem)
    (folder / "rendered.yaml").write_text(yaml.safe_dump_all(example(path).manifests))
    options = ["--directory", str(folder), "--framework", "kubernetes", "--skip-download", "--output", "json"]
    scan = subprocess.run([CHECKOV, *options], capture_output=True, text=True, check=False)
    report = json.loads(scan.stdout)
    assert report["summary"]["passed"] > 100
    assert not report["summary"]["parsing_errors"]
    checks: list[dict[str, Any]] = report["results"]["failed_checks"]
    return checks


def test_every_finding_has_its_reason(failed: list[dict[str, Any]]) -> None:
    found = {(check["check_id"], check["check_name"], check["resource"]) for check in failed}
    assert not {finding for finding in found if finding[0] not in ACCEPTED}
