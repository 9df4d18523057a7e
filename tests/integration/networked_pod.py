"""A container of our image that can lose Kafka and nothing else."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from bridge.sandbox.engines.ports import free_ports
from tests.integration.door_process import told_by, wait_for
from tests.integration.image import RESTRICTED, DockerFailure, docker
from tests.integration.kafka_cluster import CA_IN_CONTAINERS, KafkaCluster

WEBHOOK_PORT, ADMIN_PORT = 8080, 9090
SPOOL, TABLES = "/var/lib/canvas-bridge", "/var/lib/canvas-processors"
AS_KUBERNETES: Final = "--restart=on-failure"


@dataclass
class Pod:
    """A container of an image of ours on both networks, with ports on this machine's loopback."""

    name: str
    cluster: KafkaCluster
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int = field(init=False)
    admin_port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port, self.admin_port = free_ports(2)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(DockerFailure):
            docker("rm", "--force", "--volumes", self.name)

    def start(self) -> None:
        """Makes the container and starts it."""
        env = [f"--env={name}={value}" for name, value in self.environment.items()]
        mounts = [
            f"--volume={self.cluster.ca}:{CA_IN_CONTAINERS}:ro",
            *(f"--tmpfs={folder}:uid=10001,gid=10001,size=64m" for folder in (SPOOL, TABLES)),
        ]
        ports = [f"--publish={self.port}:{WEBHOOK_PORT}", f"--publish={self.admin_port}:{ADMIN_PORT}"]
        options = (
            "--name",
            self.name,
            "--network",
            self.cluster.outside,
            AS_KUBERNETES,
            *RESTRICTED,
            *mounts,
            *ports,
            *env,
        )
        docker("create", *options, self.image, *self.command)
        self.join()
        docker("start", self.name)

    def succeed(self) -> None:
        """Waits for the end of what it does, which must be a good one."""
        assert docker("wait", self.name).strip() == "0", self.log()

    def cut(self) -> None:
        """It loses Kafka and nothing else."""
        docker("network", "disconnect", self.cluster.inside, self.name)

    def join(self) -> None:
        """Undoes `cut`."""
        docker("network", "connect", self.cluster.inside, self.name)

    def end(self) -> int:
        """Its exit status after SIGTERM; the container stays, with its log."""
        docker("stop", "--time", "60", self.name)
        return int(docker("wait", self.name))

    def log(self) -> str:
        """What it printed."""
        return docker("logs", self.name, merged=True)

    def get(self, path: str) -> str:
        """What the admin port answers; empty where it does not."""
        return told_by(self.admin_port, path)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 without any."""
        lines = self.get("/metrics").splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} "))
        )

    def is_ready(self) -> bool:
        """Whether it says so."""
        return self.get("/healthz/ready") == "ok\n"

    def wait_until_ready(self) -> None:
        """Until it says so."""
        wait_for(self.is_ready, f"readiness of {self.name}")
