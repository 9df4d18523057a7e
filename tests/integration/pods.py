"""Children that are containers of our image, with the command, variables and rights that the chart gives."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from bridge.sandbox.children import Children
from tests.chart.release import Manifest, Release, Values, containers, pod_template, render, variables
from tests.integration.image import RESTRICTED, docker

# On the host's network: the engine's Kafka advertises a port of the host's loopback, and public keys over
# plain HTTP are taken from the loopback alone. So all share its ports, which Flow gives as options.
NETWORK = ("--network", "host")
EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"


class Pods(Children):
    """Children that are containers of the image; Canvas alone stays a process beside them."""

    def __init__(self, folder: Path, environment: Mapping[str, str], image: str, *more: Values) -> None:
        """`more`: of the chart, over what the environment needs."""
        super().__init__(folder, environment)
        self._image = image
        self._prefix = environment["KAFKA_TOPIC_PREFIX"]
        self._release = render(values(environment), *more)
        self._specs: dict[str, Manifest] = {}
        self.files: dict[str, Path] = {}  # path in a pod: folder or file that is mounted there
        self.secrets: dict[str, str] = {}  # what a pod takes from a Secret: variable, value

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
        paths = [at["mountPath"] for at in container["volumeMounts"] if at["name"] != "tmp"]
        folders = [f"--volume={self.files[path]}:{path}:ro" for path in paths if path in self.files]
        folders += [f"--volume={path}" for path in paths if path not in self.files]
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
        filled_in = [item["name"] for item in container["env"] if "valueFrom" in item]
        from_elsewhere = {variable: self.secrets.get(variable, self._pod(name)) for variable in filled_in}
        kept_in = {variable: LOOPBACK for variable, value in given.items() if value == EVERYWHERE}
        return given | from_elsewhere | kept_in


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
