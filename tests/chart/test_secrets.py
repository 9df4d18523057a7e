"""Secrets come as files, are documented, and never get into the environment."""

import os
import re
from pathlib import Path

import pytest

from tests.chart.programs import FIELDS, SECRET, environment
from tests.chart.release import CHART, EXAMPLES, containers, example, read_yaml, variables


def test_every_secret_setting_is_documented() -> None:
    text = (CHART / "values.yaml").read_text()
    comment = text[text.index("# -- Secret with one key per secret setting") : text.index("existingSecret:")]
    assert set(re.findall("`(.+?)`", comment)) == {variable.lower() for variable in SECRET}
    readme = (CHART / "README.md").read_text()
    section = readme[readme.index("## Secrets") : readme.index("## Good to know")]
    assert not [variable for variable in SECRET if variable.lower() not in section]


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if "existingSecret" in read_yaml(path)], ids=lambda path: path.stem
)
def test_secrets_are_files_and_never_variables(path: Path) -> None:
    release = example(path)
    assert len(SECRET) >= 5
    assert not SECRET & environment(release).keys()
    for workload in release.workloads():
        for container in containers(workload):
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            if variables(container):  # the guard needs none
                assert mounts[variables(container)["SECRETS_DIR"]]["readOnly"] is True


def test_a_mounted_secret_is_read(tmp_path: Path) -> None:
    # As the kubelet lays it out: links to links, so that an update is one rename.
    data = tmp_path / "..2026_01_01"
    data.mkdir()
    (tmp_path / "..data").symlink_to(data.name)
    for variable in SECRET:
        key = variable.lower()
        (data / key).write_text(f"{_text(variable)}\n")
        (tmp_path / key).symlink_to(os.path.join("..data", key))  # noqa: PTH118 - a relative link
    for variable in SECRET:
        model, name = FIELDS[variable]
        found = getattr(model(_secrets_dir=tmp_path), name)
        assert found.get_secret_value() == _text(variable)


def _text(variable: str) -> str:
    return f"what-only-{variable.lower()}-is"
