"""The real things in containers, as a continuous integration has them. Needs Docker and testcontainers."""

import gc
import os
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from bridge.sandbox.engines.base import (
    Addresses,
    Delivery,
    Engine,
    EngineFailure,
    EngineOptions,
    EngineUnavailable,
    Part,
    set_compatibility,
)
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.engines.readiness import answers, writable

# environment variable: public image
IMAGES: Final = {
    "KAFKA_IMAGE": "confluentinc/cp-kafka:8.1.0",
    "REGISTRY_IMAGE": "apicurio/apicurio-registry:3.3.3",
    "SQS_IMAGE": "softwaremill/elasticmq-native:1.7.1",
}
API_PATH: Final = "/apis/ccompat/v7"
START_SECONDS: Final = 120
TAIL_LINES: Final = 15


class ContainersEngine(Engine):
    """The engine `containers`: one broker; every fault."""

    name = "containers"
    creates_topics = True
    delivery: Delivery = "exactly_once"

    def __init__(self, options: EngineOptions) -> None:
        if options.brokers != 1:
            raise EngineFailure(f"engine {self.name} has one broker. For three take the engine processes")
        self._containers: dict[Part, DockerContainer] = {}
        self._usable: dict[Part, Callable[[], bool]] = {}
        self._expected: set[Part] = set()
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        """Where it answers; known after the start."""
        if self._addresses is None:
            raise EngineFailure(f"engine {self.name} is not started. Use it as `with engine:`")
        return self._addresses

    def start(self) -> None:
        """Starts the containers, pulling images that are missing.

        Raises EngineUnavailable without Docker or testcontainers, EngineFailure where a part does not start.
        """
        _require_docker()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Removes the containers."""
        for container in self._containers.values():
            container.stop()
        self._containers, self._expected, self._addresses = {}, set(), None

    def check(self) -> None:
        """Raises EngineFailure with the end of its log where a container has ended by itself."""
        for part in self._expected:
            container = self._container(part)
            container.reload()
            if container.status not in ("running", "paused"):
                raise EngineFailure(self._explain(part, f"is {container.status}"))

    def kill(self, part: Part) -> None:
        """SIGKILL."""
        self._expected.discard(part)
        self._container(part).kill()

    def pause(self, part: Part) -> None:
        """Freezes the container."""
        self._container(part).pause()

    def resume(self, part: Part) -> None:
        """Thaws the container."""
        self._container(part).unpause()

    def restart(self, part: Part) -> None:
        """Starts the same container again, on the same port."""
        self._container(part).restart(timeout=0)
        self._expected.add(part)
        self._wait(part)

    def _start(self) -> None:
        kafka_port, registry_port, sqs_port = free_ports(3)
        self._launch("registry", _registry(registry_port))
        self._launch("sqs", _sqs(sqs_port))
        kafka = _kafka(kafka_port)
        self._launch("kafka", kafka, timeout=START_SECONDS)  # its own is half a minute
        host, bootstrap_servers = kafka.get_container_host_ip(), kafka.get_bootstrap_server()
        self._usable = {
            "kafka": lambda: writable(bootstrap_servers, 1),
            "registry": lambda: answers(host, registry_port, f"{API_PATH}/subjects") == 200,
            "sqs": lambda: answers(host, sqs_port) is not None,
        }
        for part in self._usable:
            self._wait(part)
        registry_url = f"http://{host}:{registry_port}{API_PATH}"
        set_compatibility(registry_url)
        self._addresses = Addresses(
            bootstrap_servers, registry_url, f"http://{host}:{sqs_port}", self.delivery
        )

    def _launch(self, part: Part, container: DockerContainer, **patience: int) -> None:
        self._containers[part] = container
        try:
            container.start(**patience)
        except (DockerException, TimeoutError) as error:
            cause = f"{part} ({container.image}) did not start: {error}"
            raise EngineFailure(
                f"engine {self.name}: {cause}. Images come from {', '.join(IMAGES)} in the environment"
            ) from error
        self._expected.add(part)

    def _wait(self, part: Part) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._usable[part]():
            self.check()
            if time.monotonic() > deadline:
                raise EngineFailure(self._explain(part, f"was not usable within {START_SECONDS} s"))
            time.sleep(0.1)

    def _container(self, part: Part) -> Any:
        return self._containers[part].get_wrapped_container()

    def _explain(self, part: Part, what: str) -> str:
        log: bytes = self._container(part).logs(tail=TAIL_LINES)
        lines = "\n".join(f"    {line}" for line in log.decode(errors="replace").splitlines())
        image = self._containers[part].image
        return f"engine {self.name}: {part} ({image}) {what}. The end of its log:\n{lines}"


def _require_docker() -> None:
    cause = ""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # a socket that did not connect is left to the collector
        try:
            client = DockerClient().client
            client.ping()
            client.close()
        except (DockerException, OSError) as error:
            cause = str(error)
        gc.collect()
    if cause:
        remedy = "Start Docker, set DOCKER_HOST, or choose another engine"
        raise EngineUnavailable(f"engine containers: Docker does not answer ({cause}). {remedy}")


def image_name(variable: str) -> str:
    """The image to take: of the environment, else the public one."""
    return os.environ.get(variable) or IMAGES[variable]


def _kafka(port: int) -> KafkaContainer:
    container = KafkaContainer(image_name("KAFKA_IMAGE")).with_kraft()
    # One broker cannot keep the default three copies of the transaction log.
    container.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
    container.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
    container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    container.with_env("KAFKA_BROKER_SESSION_TIMEOUT_MS", "2000")
    container.with_env("KAFKA_BROKER_HEARTBEAT_INTERVAL_MS", "500")
    container.with_bind_ports(container.port, port)  # a port Docker chose would change at a restart
    return container


def _registry(port: int) -> DockerContainer:
    container = DockerContainer(image_name("REGISTRY_IMAGE")).with_bind_ports(8080, port)
    # WRITE_DELAY=0: what it has answered is on disk when it is killed.
    container.with_env("APICURIO_STORAGE_KIND", "sql")
    return container.with_env("APICURIO_DATASOURCE_URL", "jdbc:h2:file:/tmp/registry;WRITE_DELAY=0")


def _sqs(port: int) -> DockerContainer:
    return DockerContainer(image_name("SQS_IMAGE")).with_bind_ports(9324, port)
