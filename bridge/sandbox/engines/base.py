"""What an engine is: a Kafka, a schema registry and an SQS on this machine, and how to hurt them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

import boto3
from confluent_kafka.schema_registry import SchemaRegistryClient

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Part = Literal["kafka", "registry", "sqs"]
Fault = Literal["kill", "pause", "resume", "restart"]
Delivery = Literal["exactly_once", "at_least_once"]

REGION: Final = "us-east-1"
CREDENTIAL: Final = "sandbox"
COMPATIBILITY: Final = "FULL_TRANSITIVE"


class EngineFailure(Exception):
    """An engine did not start, or a part of it has ended. The message gives the cause and the remedy."""


class EngineUnavailable(EngineFailure):
    """What the engine stands on (an extra, Docker) is not on this machine."""


class UnsupportedFault(Exception):
    """An engine cannot do that to that part."""

    def __init__(self, engine: str, fault: Fault, part: Part, reason: str) -> None:
        super().__init__(f"engine {engine}: cannot {fault} {part}: {reason}. Choose another engine.")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`brokers`: 1 or 3. `state_dir`: keeps the logs and data of processes; None: they go at the stop.

    For the engine `processes` alone: `broker_properties`, further properties of Kafka's brokers, and
    `listeners`, names of further listeners, which the brokers advertise at ports on which nobody listens: a
    proxy can stand there.
    """

    brokers: int = 1
    state_dir: Path | None = None
    broker_properties: Mapping[str, str] = field(default_factory=dict)
    listeners: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a started engine answers, and what clients of it must know."""

    kafka_bootstrap_servers: str
    schema_registry_url: str
    sqs_endpoint_url: str
    delivery: Delivery
    brokers: int = 1

    def environment(self) -> dict[str, str]:
        """The variables that point our commands (and the AWS tools) at this engine."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            "SCHEMA_REGISTRY_URL": self.schema_registry_url,
            "BRIDGE_SQS__ENDPOINT_URL": self.sqs_endpoint_url,
            "AWS_ENDPOINT_URL_SQS": self.sqs_endpoint_url,
            "AWS_ACCESS_KEY_ID": CREDENTIAL,
            "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
            "AWS_DEFAULT_REGION": REGION,
            "PROCESSORS_DELIVERY": self.delivery,
            "PROCESSORS_TOPICS__REPLICATION_FACTOR": str(self.brokers),
        }

    def sqs(self) -> "SQSClient":
        """A boto3 client of this engine's SQS; the caller closes it."""
        return boto3.client(
            "sqs",
            endpoint_url=self.sqs_endpoint_url,
            region_name=REGION,
            aws_access_key_id=CREDENTIAL,
            aws_secret_access_key=CREDENTIAL,
        )


def set_compatibility(schema_registry_url: str) -> None:
    """Makes COMPATIBILITY the registry's global level: registries differ in their default."""
    with SchemaRegistryClient({"url": schema_registry_url, "timeout": 30}) as registry:
        registry.set_compatibility(level=COMPATIBILITY)


class Engine(Protocol):
    """A member of the family. Between start and stop it answers at its addresses.

    The registry's compatibility is COMPATIBILITY. With three brokers a fault of "kafka" hits one of
    them, always the same. After `kill` and `restart` Kafka and the registry hold what they held; SQS,
    which is in memory, may have forgotten its queues.
    """

    @property
    def name(self) -> str:
        """Its name in ENGINES."""

    @property
    def creates_topics(self) -> bool:
        """Whether Kafka's CreateTopics works; where not, asking for a topic's metadata makes it."""

    @property
    def delivery(self) -> Delivery:
        """exactly_once where Kafka keeps transactional offsets."""

    @property
    def addresses(self) -> Addresses:
        """Where it answers; known after the start."""

    def start(self) -> None:
        """Returns once every part can be used. Raises EngineFailure; nothing is left running then."""

    def stop(self) -> None:
        """Ends every part; harmless when called again."""

    def check(self) -> None:
        """Raises EngineFailure where a part has ended by itself."""

    def kill(self, part: Part) -> None:
        """Ends the part at once, without goodbye (SIGKILL)."""

    def pause(self, part: Part) -> None:
        """Freezes the part: connections stay open, nothing answers."""

    def resume(self, part: Part) -> None:
        """Lets a paused part go on."""

    def restart(self, part: Part) -> None:
        """Starts the part again at its old address, where it runs after ending it; returns when usable."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
