"""deploy/compose.yaml brought up under a project's name of its own, and taken down with all it made."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml

from bridge.sandbox.engines.ports import free_ports
from tests.integration.image import ROOT, docker

FILE: Final = ROOT / "deploy" / "compose.yaml"
# No image of these is needed to see events become records.
ONLOOKERS: Final = frozenset({"prometheus", "grafana"})
PORTS: Final = ("KAFKA_PORT", "REGISTRY_PORT", "SQS_PORT", "WEBHOOK_PORT")
# With it .ci/run sweeps what a killed run leaves.
LABEL: Final = "org.testcontainers=true"


class ComposeFailure(Exception):
    """A compose command failed; the message is the end of what it printed."""


def compose_program() -> list[str] | None:
    """Compose 2, else docker-compose; None where there is neither."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def services() -> dict[str, Any]:
    """Of the file, as it stands there."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


class Composed:
    """The services but the onlookers, up. `folder`: for a file of our own beside compose.yaml."""

    def __init__(self, program: list[str], image: str, folder: Path) -> None:
        self.project = f"canvas-bridge-{uuid.uuid4().hex[:8]}"
        self.names = sorted(
            name
            for name, service in services().items()
            if "profiles" not in service and name not in ONLOOKERS
        )
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self.kafka = f"127.0.0.1:{ports['KAFKA_PORT']}"
        self.registry = f"http://127.0.0.1:{ports['REGISTRY_PORT']}/apis/ccompat/v7"
        labels = folder / "labels.json"  # JSON is YAML
        labels.write_text(json.dumps({"services": {name: {"labels": [LABEL]} for name in services()}}))
        self._command = [*program, "-p", self.project, "-f", str(FILE), "-f", str(labels)]
        self._image = f"{self.project}:test"
        docker("tag", image, self._image)
        self._environment = {**os.environ, **ports, "CANVAS_BRIDGE_IMAGE": self._image}

    def __enter__(self) -> Self:
        try:
            self("up", "--detach", "--no-build", *self.names)
        except ComposeFailure as failure:
            log = self("logs", "--no-color", "--tail=30", "setup")
            self._down()
            raise ComposeFailure(f"{failure}\n{log}") from failure
        except BaseException:
            self._down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._down()

    def __call__(self, *arguments: str) -> str:
        """What the compose command prints. Raises ComposeFailure."""
        done = subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, check=False, env=self._environment
        )
        if done.returncode:
            raise ComposeFailure(f"{arguments}: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def state(self, service: str) -> dict[str, Any]:
        """Docker's State of the service's container."""
        (container,) = self("ps", "--all", "--quiet", service).split()
        state: dict[str, Any] = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        return state

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        of_ours = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        commands = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [found for command in commands for found in docker(*command, *of_ours).split()]

    def _down(self) -> None:
        self("down", "--volumes", "--timeout", "60")
        docker("rmi", "--no-prune", self._image)
