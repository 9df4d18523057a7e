"""promtool, of Prometheus, where there is one: Debian has it in its package prometheus."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

MISSING = "promtool is missing: install Prometheus (Debian: apt-get install prometheus)"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it. A skip where it is missing, and with IT_REQUIRED=1 a failure."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("IT_REQUIRED") == "1":
            pytest.fail(f"IT_REQUIRED=1, but {MISSING}")
        pytest.skip(MISSING)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def rules_file(folder: Path, groups: list[dict[str, Any]]) -> Path:
    """The groups as a file of Prometheus."""
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    return path
