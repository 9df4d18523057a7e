"""Pods on a cluster with TLS, SCRAM and an authorizer, each under its own principal of deploy/acls.yaml."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.sandbox.engines.base import CREDENTIAL, REGION
from tests.chart.release import Values
from tests.integration.image import RESTRICTED, docker
from tests.integration.kafka_cluster import CA_IN_CONTAINERS, KafkaCluster
from tests.integration.pods import NETWORK, Pods
from tests.integration.secured_broker import PASSWORD

PARTITIONS: Final = 2
GROUP: Final = "canvas-processors"
COMPONENTS: Final = {"setup": "topics", "webhook": "webhook", "sqs": "sqs", "worker": "worker"}
SECRET: Final = "KAFKA_SASL_PASSWORD"


def principal(component: str) -> str:
    """Of a component in deploy/acls.yaml."""
    return f"canvas-{component}"


def security() -> Values:
    """What one gives the chart for it, as deploy/security.md says."""
    parts = {part: {"extraEnv": _login(component)} for part, component in COMPONENTS.items()}
    return {
        "existingSecret": "canvas-bridge",
        "kafka": {
            "securityProtocol": "SASL_SSL",
            "saslMechanism": "SCRAM-SHA-512",
            "tls": {"existingSecret": "kafka-tls"},
        },
        **parts,
    }


def own_names() -> Values:
    """Names and sizes as deploy/acls.yaml takes them for granted, on a small scale."""
    return {
        "setup": {"partitions": PARTITIONS},
        "webhook": {"accept": "both"},
        "worker": {"groupId": GROUP, "sessionTimeoutSeconds": 30},
    }


def _login(component: str) -> list[dict[str, Any]]:
    aws = [{"name": f"AWS_{name}", "value": CREDENTIAL} for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
    secret = {"secretKeyRef": {"name": principal(component), "key": "password"}}
    login: list[dict[str, Any]] = [
        {"name": "KAFKA_SASL_USERNAME", "value": principal(component)},
        {"name": SECRET, "valueFrom": secret},
    ]
    return login + (aws if component == "sqs" else [])


def secured_pods(cluster: KafkaCluster, folder: Path, environment: Mapping[str, str], image: str) -> Pods:
    """Not started. The pods have the authority's certificate and their passwords."""
    pods = Pods(folder, environment, image, security(), own_names())
    pods.files[str(Path(CA_IN_CONTAINERS).parent)] = cluster.ca.parent
    pods.secrets[SECRET] = PASSWORD
    return pods


class Person:
    """Runs commands of ours under the principal of a component."""

    def __init__(self, cluster: KafkaCluster, image: str, more: Mapping[str, str]) -> None:
        """`more`: further variables of every command."""
        self._cluster = cluster
        self._image = image
        self._more = {"AWS_DEFAULT_REGION": REGION, "PROCESSORS_TOPICS__PARTITIONS": str(PARTITIONS), **more}

    def in_the_image(self, component: str, *command: str) -> str:
        """What a command prints in a container with a pod's rights. Raises DockerFailure where it fails."""
        given = {
            **self._cluster.environment(principal(component)),
            **self._more,
            "KAFKA_SSL_CA_LOCATION": CA_IN_CONTAINERS,
        }
        env = [f"--env={name}={value}" for name, value in given.items()]
        ca = f"--volume={self._cluster.ca.parent}:{Path(CA_IN_CONTAINERS).parent}:ro"
        return docker("run", "--rm", *NETWORK, *RESTRICTED, ca, *env, self._image, *command)

    def here(self, component: str, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The same command as a process of this machine, ended: its rights on Kafka are the same."""
        program = {"canvas-bridge": "bridge", "canvas-processors": "processors"}[command[0]]
        return subprocess.run(
            [sys.executable, "-m", program, *command[1:]],
            env={**os.environ, **self._cluster.environment(principal(component)), **self._more, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
