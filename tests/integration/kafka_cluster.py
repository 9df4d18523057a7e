"""Three brokers in containers that let in nobody unknown: TLS, SCRAM, an authorizer. A registry beside them.

Two networks: `inside` is Kafka's own and leads nowhere else; `outside` has the ports on this machine, and the
registry. So whoever is cut off from `inside` loses Kafka and nothing else.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs re-export nothing
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.cimpl import NewTopic
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from bridge.sandbox.engines.base import set_compatibility
from bridge.sandbox.engines.containers import API_PATH, image_name
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.engines.readiness import answers
from tests.acls import Acl
from tests.integration.door_process import wait_for
from tests.integration.image import docker
from tests.integration.secured_broker import ADMIN, BROKERS, PASSWORD, host, secured_broker
from tests.unit.certificates import authority, issued, private_key

ISSUER: Final = "canvas-bridge tests"
REGISTRY: Final = "registry"
PATIENCE: Final = 300.0
LOOPBACK: Final = "127.0.0.1"
ON_LOOPBACK: Final = {"options": {"com.docker.network.bridge.host_binding_ipv4": LOOPBACK}}


@dataclass
class KafkaCluster:
    """Where it answers, and how to hurt it.

    `inside`, `outside`: names of the networks; `brokers`: ids of the containers; `ports`: theirs on this
    machine; `ca`: the authority's file, which containers may read too.
    """

    inside: str
    outside: str
    brokers: Mapping[int, str]
    ports: Mapping[int, int]
    registry_port: int
    ca: Path
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        own = {"log_level": 2, "reconnect.backoff.max.ms": 500}
        self.admin = AdminClient(self.client_config(ADMIN, own))

    @property
    def registry_url(self) -> str:
        """For this machine, and for containers on its network."""
        return f"http://127.0.0.1:{self.registry_port}{API_PATH}"

    @property
    def servers(self) -> str:
        """For the same."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    def environment(self, user: str, *, inside: bool = False) -> dict[str, str]:
        """The variables that point our commands at it. `inside`: in a container on the networks."""
        ours = {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "PROCESSORS_TOPICS__REPLICATION_FACTOR": str(len(BROKERS)),
        }
        if inside:
            servers = ",".join(f"{host(number)}:9092" for number in BROKERS)
            registry, ca = f"http://{REGISTRY}:8080{API_PATH}", CA_IN_CONTAINERS
        else:
            servers, registry, ca = self.servers, self.registry_url, str(self.ca)
        return {
            **ours,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "SCHEMA_REGISTRY_URL": registry,
            "KAFKA_SSL_CA_LOCATION": ca,
        }

    def client_config(self, user: str, more: Mapping[str, Any]) -> dict[str, Any]:
        """Of a librdkafka client on this machine."""
        return {
            "bootstrap.servers": self.servers,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN" if user == ADMIN else "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORD,
            "ssl.ca.location": str(self.ca),
            **more,
        }

    def add_user(self, name: str) -> None:
        """Somebody who may do nothing yet."""
        iterations = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, iterations, PASSWORD.encode())
        self.admin.alter_user_scram_credentials([change])[name].result(PATIENCE)

    def allow(self, acls: Sequence[Acl]) -> None:
        """Adds rows."""
        for made in self.admin.create_acls([_binding(acl, AclBinding) for acl in acls]).values():
            made.result(PATIENCE)

    def take_back(self, acl: Acl) -> None:
        """Removes one row."""
        (removed,) = self.admin.delete_acls([_binding(acl, AclBindingFilter)]).values()
        assert len(removed.result(PATIENCE)) == 1, acl
        # The controller has it; brokers follow.
        wait_for(
            lambda: not self.admin.describe_acls(_binding(acl, AclBindingFilter)).result(10), f"no {acl}"
        )

    def kill(self, broker: int) -> None:
        """SIGKILL."""
        docker("kill", self.brokers[broker])

    def start_again(self, broker: int) -> None:
        """On the same ports, with what it had on its disk."""
        docker("start", self.brokers[broker])

    def cut(self, broker: int) -> None:
        """Nobody reaches it any more, and it reaches nobody."""
        for network in (self.inside, self.outside):
            docker("network", "disconnect", network, self.brokers[broker])

    def mend(self, broker: int) -> None:
        """Undoes `cut`."""
        for network in (self.inside, self.outside):
            docker("network", "connect", "--alias", host(broker), network, self.brokers[broker])

    def leaders(self, topic: str) -> list[int]:
        """The leader of each partition."""
        found = self.admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        return [found[number].leader for number in sorted(found)]

    def is_whole(self) -> bool:
        """Whether every copy of every partition is in step."""
        try:
            metadata = self.admin.list_topics(timeout=10)
        except KafkaException:
            return False
        partitions = [part for topic in metadata.topics.values() for part in topic.partitions.values()]
        return len(metadata.brokers) == len(BROKERS) and all(
            len(part.isrs) == len(part.replicas) for part in partitions
        )


CA_IN_CONTAINERS: Final = "/run/secrets/kafka-tls/ca.crt"


@contextmanager
def kafka_cluster(folder: Path) -> Iterator[KafkaCluster]:
    """A running cluster, every broker writable."""
    ca, broker_file = folder / "public" / "ca.crt", folder / "broker.pem"
    ca.parent.mkdir()
    ca.parent.chmod(0o755)
    ca.write_bytes(authority(ISSUER))
    broker_file.write_bytes(private_key("kafka") + issued("kafka", ISSUER, [host(n) for n in BROKERS]))
    for file in (ca, broker_file):
        file.chmod(0o644)  # containers read them under users of their own
    *ports, registry_port = free_ports(len(BROKERS) + 1)
    places = dict(zip(BROKERS, ports, strict=True))
    with (
        Network(docker_network_kw={"internal": True}) as inside,
        Network(docker_network_kw=ON_LOOPBACK) as outside,
    ):
        registry = DockerContainer(image_name("REGISTRY_IMAGE")).with_bind_ports(8080, registry_port)
        registry.with_env("APICURIO_STORAGE_KIND", "sql").with_network(outside).with_network_aliases(REGISTRY)
        started: list[DockerContainer] = []
        try:
            for number in BROKERS:
                broker = secured_broker(number, places[number], broker_file)
                started.append(broker.with_network(inside).with_network_aliases(host(number)).start())
                outside.connect(_id(broker))
            started.append(registry.start())
            ids = dict(zip(BROKERS, map(_id, started), strict=False))
            cluster = KafkaCluster(inside.name, outside.name, ids, places, registry_port, ca)
            _wait(cluster)
            yield cluster
        finally:
            for container in started:
                container.stop()


def _id(container: DockerContainer) -> str:
    return str(container.get_wrapped_container().id)


def _wait(cluster: KafkaCluster) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (_writable(cluster) and answers(LOOPBACK, cluster.registry_port, f"{API_PATH}/subjects")):
        assert time.monotonic() < deadline, "".join(
            docker("logs", "--tail", "20", cluster.brokers[number]) for number in BROKERS
        )
        time.sleep(0.1)
    set_compatibility(cluster.registry_url)
    cluster.add_user(ADMIN)


def _writable(cluster: KafkaCluster) -> bool:
    try:
        if not cluster.is_whole():
            return False
        with suppress(KafkaException):
            topic = NewTopic("probe", num_partitions=1, replication_factor=len(BROKERS))
            cluster.admin.create_topics([topic])["probe"].result(10)
        outcome: list[Any] = []
        own = {"delivery.timeout.ms": 10_000, "log_level": 2}
        with Producer(cluster.client_config(ADMIN, own)) as producer:
            producer.produce("probe", b"probe", on_delivery=lambda error, _: outcome.append(error))
            producer.flush(10)
        return outcome == [None]
    except (KafkaException, TimeoutError):
        return False


def _binding(acl: Acl, kind: Any) -> Any:
    types = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
    kinds = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
    operations = {"DescribeConfigs": AclOperation.DESCRIBE_CONFIGS}
    return kind(
        types.get(acl.type, ResourceType.TRANSACTIONAL_ID),
        acl.name,
        kinds[acl.pattern],
        f"User:{acl.principal}",
        "*",
        operations.get(acl.operation) or AclOperation[acl.operation.upper()],
        AclPermissionType.DENY if acl.denied else AclPermissionType.ALLOW,
    )
