"""Apache Kafka in KRaft mode: one broker, or three that replicate, each also a controller."""

import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.java.child import Child, Launch, Watchdog
from bridge.sandbox.engines.java.downloads import Program
from bridge.sandbox.engines.java.runtime import java_command
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.engines.readiness import writable

PROGRAM: Final = Program(
    "Apache Kafka 4.3.1",
    (
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
        "org.apache.logging.log4j:log4j-core:2.25.4!",
    ),
)
_LOGGING: Final = """\
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
  <Loggers>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
    <Logger name="org.apache.kafka.common.config" level="WARN"/>
  </Loggers>
</Configuration>
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A further listener of one broker: its port, and the one it tells clients."""

    port: int
    advertised: int


@dataclass(frozen=True, slots=True)
class Node:
    """One broker and controller. `directory_id` names its data folder in the controllers' quorum.

    `ways`: by the listener's name.
    """

    number: int
    port: int
    controller_port: int
    directory_id: str
    ways: dict[str, Way] = field(default_factory=dict)

    @property
    def controller(self) -> str:
        """As StorageTool's --initial-controllers wants it."""
        return f"{self.number}@127.0.0.1:{self.controller_port}:{self.directory_id}"


class KafkaCluster:
    """Formats its nodes' folders under `folder`, and makes their processes."""

    def __init__(self, folder: Path, class_path: str, options: EngineOptions) -> None:
        self._folder = folder
        self._own = options.broker_properties
        ports = iter(free_ports(2 * options.brokers * (1 + len(options.listeners))))
        self._nodes = [
            Node(
                number,
                next(ports),
                next(ports),
                _id(),
                {name: Way(next(ports), next(ports)) for name in options.listeners},
            )
            for number in range(1, options.brokers + 1)
        ]
        logging = folder / "log4j2.xml"
        logging.write_text(_LOGGING)
        self._java = java_command("-Xmx512m", f"-Dlog4j2.configurationFile={logging}", "-cp", class_path)

    @property
    def bootstrap_servers(self) -> str:
        """All brokers, host:port with commas."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self._nodes)

    def ways(self, listener: str) -> list[Way]:
        """Those of a further listener, one for each broker."""
        return [node.ways[listener] for node in self._nodes]

    def format(self, watchdog: Watchdog) -> None:
        """Gives every node its empty, formatted folder. Raises EngineFailure."""
        cluster = _id()
        tools = [Child(self._format(node, cluster), watchdog) for node in self._nodes]
        try:
            for tool in tools:
                tool.start()
            for tool in tools:
                tool.wait_until_done()
        finally:
            for tool in tools:
                tool.kill()

    def launches(self) -> list[Launch]:
        """How to run the nodes. Each is usable when the whole cluster is: all there, a write confirmed."""
        return [
            Launch(
                f"{PROGRAM.title} (broker {node.number})",
                [*self._java, "kafka.Kafka", str(self._properties_file(node))],
                self._folder / f"kafka-{node.number}.log",
                lambda: writable(self.bootstrap_servers, len(self._nodes)),
            )
            for node in self._nodes
        ]

    def _format(self, node: Node, cluster: str) -> Launch:
        file = self._properties_file(node)
        file.write_text("".join(f"{name}={value}\n" for name, value in self._properties(node).items()))
        controllers = ",".join(each.controller for each in self._nodes)
        arguments = ["format", "-t", cluster, "-c", str(file), "--initial-controllers", controllers]
        return Launch(
            f"{PROGRAM.title} (formatting the folder of broker {node.number})",
            [*self._java, "kafka.tools.StorageTool", *arguments],
            self._folder / f"kafka-{node.number}-format.log",
        )

    def _properties_file(self, node: Node) -> Path:
        return self._folder / f"kafka-{node.number}.properties"

    def _properties(self, node: Node) -> dict[str, Any]:
        copies = len(self._nodes)
        enough = min(2, copies)
        further = [f",{name}://127.0.0.1:{way.port}" for name, way in node.ways.items()]
        advertised = [f",{name}://127.0.0.1:{way.advertised}" for name, way in node.ways.items()]
        return {
            "process.roles": "broker,controller",
            "node.id": node.number,
            "controller.quorum.bootstrap.servers": ",".join(
                f"127.0.0.1:{n.controller_port}" for n in self._nodes
            ),
            "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}"
            + "".join(further),
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}" + "".join(advertised),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(
                f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *node.ways)
            ),
            "log.dirs": self._folder / f"kafka-{node.number}",
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": enough,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": enough,
            "transaction.state.log.num.partitions": 8,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": enough,
            "group.initial.rebalance.delay.ms": 0,
            # The default, 128 MiB, leaves a small heap no room for the many topics of a catalogue.
            "log.cleaner.dedupe.buffer.size": 8 * 1_048_576,
            **self._own,
        }


def _id() -> str:
    """Sixteen random bytes as Kafka writes them; none begins with `-`, which reads like an option."""
    text = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _id() if text.startswith("-") else text
