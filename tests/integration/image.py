"""Our container image, and containers of it under the rights a pod has."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TAG: Final = "canvas-bridge:test"
# All tests of the image run on one of pytest-xdist's workers, which builds it.
one_build = pytest.mark.xdist_group("image")
# As the chart's pods have it; the label lets a killed run's containers be swept with testcontainers' own.
RESTRICTED: Final = (
    *("--label", "org.testcontainers=true", "--read-only", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--user", "10001:10001", "--tmpfs", "/tmp:size=64m"),
)


class DockerFailure(Exception):
    """A docker command failed; the message is what it printed."""


def docker_is_missing() -> str | None:
    """The sentence that says why there is no Docker here, None where there is one."""
    if shutil.which("docker") is None:
        return "needs Docker, and there is no command `docker` on this machine"
    try:
        docker("info", "--format", "{{.ServerVersion}}")
    except DockerFailure as failure:
        return f"needs Docker, and no engine answers: {str(failure).strip().splitlines()[-1]}"
    return None


def docker(*arguments: str, text: str | None = None, merged: bool = False) -> str:
    """What the docker command prints; `merged`: on standard error too. Raises DockerFailure."""
    # Which builder there is, the client knows best.
    env = {name: value for name, value in os.environ.items() if name != "DOCKER_BUILDKIT"}
    done = subprocess.run(
        ["docker", *arguments], input=text, capture_output=True, text=True, check=False, env=env
    )
    if done.returncode:
        raise DockerFailure(f"docker {arguments[0]}: {done.stderr or done.stdout}")
    return done.stdout + done.stderr if merged else done.stdout


@functools.cache
def build() -> str:
    """Builds the image once a session. PYTHON_IMAGE in the environment: another base.

    Returns its id: another checkout's tests may give the tag to another image meanwhile.
    """
    base = [f"--build-arg=PYTHON_IMAGE={os.environ['PYTHON_IMAGE']}"] if "PYTHON_IMAGE" in os.environ else []
    dockerfile = str(ROOT / "deploy" / "Dockerfile")
    printed = docker("build", "--quiet", *base, "--file", dockerfile, "--tag", TAG, str(ROOT))
    return printed.split()[-1]


def inspect(image: str) -> dict[str, Any]:
    """The image's configuration: user, labels, environment."""
    (found,) = json.loads(docker("image", "inspect", image))
    config: dict[str, Any] = found["Config"]
    return config


def run(image: str, *command: str, text: str | None = None) -> str:
    """What a command prints in a restricted container without a network. Raises DockerFailure."""
    return docker(
        "run", "--rm", "--interactive", "--network", "none", *RESTRICTED, image, *command, text=text
    )


@contextmanager
def running(image: str, *command: str, env: dict[str, str]) -> Iterator[str]:
    """The id of a restricted container without a network that runs the command; it is removed at the end.

    Its standard input stays open, and nothing comes of it.
    """
    variables = [f"--env={name}={value}" for name, value in env.items()]
    container = docker(
        *("run", "--detach", "--interactive", "--network", "none"), *RESTRICTED, *variables, image, *command
    ).strip()
    try:
        yield container
    finally:
        docker("rm", "--force", container)
