"""The whole flow from our own image, every container with the command, variables and rights of a pod."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pytest

from bridge.sandbox.children import Children
from bridge.sandbox.flow import Flow
from processors.failures import Reason
from tests.chart.release import Manifest, Release, Values, containers, pod_template, render, variables
from tests.integration.image import RESTRICTED, build, docker, docker_is_missing, one_build

COUNT = 200
# On the host's network: the engine's Kafka advertises a port of the host's loopback, and public keys over
# plain HTTP are taken from the loopback alone. So all share its ports, which Flow gives as options.
NETWORK = ("--network", "host")
EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"


class Pods(Children):
    """Children that are containers of the image; Canvas alone stays a process beside them."""

    def __init__(self, folder: Path, environment: Mapping[str, str], image: str) -> None:
        super().__init__(folder, environment)
        self._image = image
        self._prefix = environment["KAFKA_TOPIC_PREFIX"]
        self._release = render(values(environment))
        self._specs: dict[str, Manifest] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            if self._specs:
                docker("rm", "--force", "--volumes", *map(self._pod, self._specs))

    def start(self, name: str, *command: str) -> None:
        """Starts the command in a container whose output and exit status are those of `docker run`."""
        if command[:2] == ("canvas-bridge", "simulate"):
            super().start(name, *command)
            return
        self._specs[name], container = chart_has(self._release, command)
        env = [f"--env={variable}={value}" for variable, value in self._variables(name, container).items()]
        folders = [f"--volume={at['mountPath']}" for at in container["volumeMounts"] if at["name"] != "tmp"]
        options = (*NETWORK, *RESTRICTED, *folders, *env)
        super().start(name, "docker", "run", "--name", self._pod(name), *options, self._image, *command)

    def end(self, name: str) -> int:
        """The exit status after SIGTERM; 137 where the pod's grace period went by without an end."""
        grace = self._specs[name]["terminationGracePeriodSeconds"]
        docker("stop", "--time", str(grace), self._pod(name))
        return int(docker("wait", self._pod(name)))

    def _pod(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _variables(self, name: str, container: Manifest) -> dict[str, str]:
        given = variables(container)
        from_the_pod = {item["name"]: self._pod(name) for item in container["env"] if "valueFrom" in item}
        kept_in = {variable: LOOPBACK for variable, value in given.items() if value == EVERYWHERE}
        return given | from_the_pod | kept_in


def chart_has(release: Release, command: tuple[str, ...]) -> tuple[Manifest, Manifest]:
    """The pod's spec and the container in it that run that command, whatever options follow it."""
    (found,) = (
        (pod_template(workload)["spec"], container)
        for workload in release.workloads()
        for container in containers(workload)
        if list(command[: len(container["command"])]) == container["command"]
    )
    return found


def values(environment: Mapping[str, str]) -> Values:
    """What one would give the chart for the engine with that environment."""
    prefix = environment["KAFKA_TOPIC_PREFIX"]
    credentials = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "kafka": {"bootstrapServers": environment["KAFKA_BOOTSTRAP_SERVERS"], "topicPrefix": prefix},
        "schemaRegistry": {"url": environment["SCHEMA_REGISTRY_URL"]},
        "setup": {"replicationFactor": int(environment["PROCESSORS_TOPICS__REPLICATION_FACTOR"])},
        "sqs": {
            "enabled": True,
            "queueUrl": environment["BRIDGE_SQS__QUEUE_URL"],
            "endpointUrl": environment["BRIDGE_SQS__ENDPOINT_URL"],
            "aws": {"region": environment["AWS_DEFAULT_REGION"]},
            "extraEnv": [{"name": name, "value": environment[name]} for name in credentials],
        },
        "worker": {
            "groupId": f"workers-{prefix.rstrip('.')}",
            "delivery": environment["PROCESSORS_DELIVERY"],
        },
    }


@pytest.fixture
def image() -> str:
    lacking = docker_is_missing()
    if lacking and os.environ.get("IT_REQUIRED") != "1":
        pytest.skip(lacking)
    assert lacking is None, lacking
    return build()


@one_build
@pytest.mark.parametrize(
    "engine", [pytest.param("containers", marks=pytest.mark.engine_containers)], indirect=True
)
def test_everything_accepted_comes_out(image: str, environment: dict[str, str], tmp_path: Path) -> None:
    with Pods(tmp_path, environment, image) as pods:
        flow = Flow(pods, tmp_path)
        flow.prepare()
        flow.start()
        report = flow.simulate(COUNT, seed=11)
        tally, duplicates = flow.settle(report["accepted"])
        statuses = {name: pods.end(name) for name in ("webhook", "sqs", "worker")}
    assert tally.raw == tally.total + duplicates
    assert tally.raw >= report["accepted"] >= COUNT
    assert tally.event_ids >= set(report["event_ids"])
    assert duplicates >= report["duplicates"] > 0
    assert tally.unknown == report["unknown"] > 0
    assert tally.dead_letters.total() == report["malformed"] > 0
    assert tally.dead_letters.keys() <= set(Reason)
    assert len(report["accepted_by_door"]) == 2
    assert tally.rollup, pods.log("worker").read_text()[-2000:]
    assert statuses == {"webhook": 0, "sqs": 0, "worker": 0}
