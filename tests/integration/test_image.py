"""The image runs as a pod would run it: another user, a read-only root, no capabilities, no network."""

import json
import os
import re
import time
import tomllib
from collections.abc import Callable

import pytest

from tests.integration.image import (
    ROOT,
    DockerFailure,
    docker,
    inspect,
    one_build,
    run,
    running,
)

pytestmark = [pytest.mark.engine_containers, one_build]

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
TIMES = """
from pathlib import Path
files = [path for path in Path("/opt/canvas-bridge").rglob("*")]
print(*{int(path.lstat().st_mtime) for path in files})
# PEP 552: 1 is byte code that no source's time or hash is compared with
print(*{int.from_bytes(path.read_bytes()[4:8], "little") for path in files if path.suffix == ".pyc"})
"""
BILL = "/opt/canvas-bridge/share/canvas-bridge/sbom.cdx.json"
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


def eventually(condition: Callable[[], bool], seconds: float = 180) -> None:
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
    own = "org.opencontainers.image."
    assert labels[f"{own}title"] == project["name"]
    assert labels[f"{own}version"] == project["version"]
    assert labels[f"{own}licenses"] == project["license"]
    assert labels[f"{own}base.name"] == os.environ.get("PYTHON_IMAGE", "python:3.11-slim-bookworm")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels[f"{own}created"])
    assert {f"{own}revision", f"{own}source", f"{own}description"} <= labels.keys()


def test_the_bill_of_materials_lists_what_is_installed(image: str) -> None:
    installed = "import json; from importlib.metadata import distributions; "
    installed += "print(json.dumps({each.name: each.version for each in distributions()}))"
    found = json.loads(run(image, "python", "-c", installed))
    bill = json.loads(run(image, "cat", BILL))
    listed = {part["name"]: part["version"] for part in bill["components"]}
    whole = bill["metadata"]["component"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert listed | {whole["name"]: whole["version"]} == found
    locked = re.findall(
        r"^([\w.-]+)==(\S+) ", (ROOT / "deploy" / "requirements.txt").read_text(), re.MULTILINE
    )
    assert {normal(name): version for name, version in listed.items()} == dict(locked)
    assert all(part["purl"] for part in bill["components"])


def test_every_file_of_ours_bears_the_time_it_was_given(image: str) -> None:
    # A time of the build, in a file or in the head of its byte code, would make every build another one.
    times = run(image, "python", "-c", TIMES).split()
    assert times == ["1580601600", "1"]


def test_the_webhook_as_process_one_stops_when_told(image: str) -> None:
    env = {"BRIDGE_WEBHOOK__ACCEPT": "plain", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    ready = "from urllib.request import urlopen; urlopen('http://127.0.0.1:9090/healthz/ready')"
    with running(image, "canvas-bridge", "webhook", env=env) as container:
        eventually(lambda: tells(container, ready) is not None)
        # It starts no other process, and so there is none that an init would have to reap.
        others = (
            "import os; print(*{int(name) for name in os.listdir('/proc') if name.isdigit()} - {os.getpid()})"
        )
        assert tells(container, others) == "1"
        docker("stop", "--time", "60", container)
        # 137 is a program that did not hear SIGTERM and was killed.
        assert docker("wait", container).strip() == "0", docker("logs", container)


def test_any_command_as_process_one_ends_when_told(image: str) -> None:
    caught = "import re; print(re.search(r'SigCgt:\\s*(\\w+)', open('/proc/1/status').read())[1])"
    # It waits for its standard input, and handles no signal of its own.
    with running(image, "canvas-processors", "convert", "-", env={}) as container:
        eventually(lambda: bool(int(tells(container, caught) or "0", 16) >> 14 & 1))
        docker("stop", "--time", "60", container)
        assert docker("wait", container).strip() == "143", docker("logs", container)


def tells(container: str, program: str) -> str | None:
    """What a Python program prints in the container; None where it fails."""
    try:
        return docker("exec", container, "python", "-c", program).strip()
    except DockerFailure:
        return None


def normal(name: str) -> str:
    """A distribution's name as requirement files have it."""
    return re.sub(r"[-_.]+", "-", name).lower()
