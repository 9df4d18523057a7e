"""The image runs as a pod would run it: another user, a read-only root, no capabilities, no network."""

import json
import time
import tomllib
from collections.abc import Callable

import pytest

from tests.integration.image import (
    ROOT,
    DockerFailure,
    docker,
    inspect,
    run,
    running,
)

pytestmark = pytest.mark.engine_containers

WALK = """
import os, stat, sys
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
    for name in files:
        status = os.lstat(os.path.join(folder, name))
        if stat.S_ISREG(status.st_mode) and ({condition}):
            found.append(os.path.join(folder, name))
print(len(found), *found[:20])
"""
HELP = [
    "canvas-bridge",
    "canvas-bridge webhook",
    "canvas-bridge sqs",
    "canvas-processors",
    "canvas-processors worker",
    "canvas-processors convert",
    "canvas-processors topics create",
    "canvas-processors schemas register",
]


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.1)


@pytest.mark.parametrize("command", HELP)
def test_commands_explain_themselves(image: str, command: str) -> None:
    assert run(image, *command.split(), "--help").startswith(f"Usage: {command} ")


def test_an_event_is_converted(image: str) -> None:
    sample = ROOT / "tests" / "events" / "logged_in" / "canvas.typical.pass.json"
    (line,) = run(image, "canvas-processors", "convert", "-", text=sample.read_text()).splitlines()
    told = json.loads(line)
    (expected,) = json.loads(sample.with_name("canvas.typical.expected.json").read_text())
    assert (told["outcome"], told["event_id"]) == ("record", expected["event_id"])


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    assert inspect(image)["User"] == "10001:10001"
    assert run(image, "python", "-c", "import os; print(os.getuid(), os.getgid())").split() == [
        "10001",
        "10001",
    ]


def test_no_file_lends_another_users_rights(image: str) -> None:
    condition = "status.st_mode & (stat.S_ISUID | stat.S_ISGID)"
    assert run(image, "python", "-c", WALK.format(condition=condition)).split() == ["0"]


def test_no_file_can_be_changed_by_the_program(image: str) -> None:
    condition = "status.st_mode & stat.S_IWOTH or 10001 in (status.st_uid, status.st_gid)"
    assert run(image, "python", "-c", WALK.format(condition=condition)).split() == ["0"]


def test_nothing_that_only_builds_is_in_it(image: str) -> None:
    for module in ("pip", "setuptools", "hatchling", "pytest", "moto"):
        with pytest.raises(DockerFailure, match="No module named"):
            run(image, "python", "-c", f"import {module}")


def test_labels_say_what_it_is(image: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = inspect(image)["Labels"]
    assert labels["org.opencontainers.image.title"] == project["name"]
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert labels["org.opencontainers.image.licenses"] == project["license"]


def test_the_webhook_as_process_one_stops_when_told(image: str) -> None:
    env = {"BRIDGE_WEBHOOK__ACCEPT": "plain", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    ready = "from urllib.request import urlopen; urlopen('http://127.0.0.1:9090/healthz/ready')"

    def is_ready() -> bool:
        try:
            docker("exec", container, "python", "-c", ready)
        except DockerFailure:
            return False
        return True

    with running(image, "canvas-bridge", "webhook", env=env) as container:
        eventually(is_ready)
        docker("stop", "--time", "60", container)
        # 137 is a program that did not hear SIGTERM and was killed.
        assert docker("wait", container).strip() == "0", docker("logs", container)
