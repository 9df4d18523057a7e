"""One of three brokers, and controllers, in a container: TLS, SCRAM-SHA-512, and an authorizer."""

from pathlib import Path
from typing import Final

from testcontainers.core.container import DockerContainer

from bridge.sandbox.engines.containers import image_name

BROKERS: Final = (1, 2, 3)
ADMIN: Final = "admin"
PASSWORD: Final = "swordfish"  # of everybody
IN_THE_CONTAINER: Final = "/etc/kafka/secrets/broker.pem"
PLAIN: Final = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required username="{ADMIN}" '
    f'password="{PASSWORD}" user_{ADMIN}="{PASSWORD}";'
)
SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


def host(broker: int) -> str:
    """Its name on the network inside."""
    return f"kafka-{broker}"


def secured_broker(number: int, port: int, secrets: Path) -> DockerContainer:
    """Not started. `port`: on this machine; `secrets`: file with key and certificate, PEM."""
    container = DockerContainer(image_name("KAFKA_IMAGE")).with_bind_ports(9093, port)
    container.with_volume_mapping(str(secrets), IN_THE_CONTAINER, "ro")
    listeners = {"INSIDE": "SASL_SSL", "OUTSIDE": "SASL_SSL", "BROKERS": "SASL_PLAINTEXT"}
    protocols = {**listeners, "CONTROLLER": "SASL_PLAINTEXT"}
    places = dict(zip(protocols, (9092, 9093, 9095, 9094), strict=True))
    advertised = {"INSIDE": f"{host(number)}:9092", "OUTSIDE": f"127.0.0.1:{port}"}
    advertised["BROKERS"] = f"{host(number)}:9095"
    settings = {
        "NODE_ID": number,
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_QUORUM_VOTERS": ",".join(f"{n}@{host(n)}:9094" for n in BROKERS),
        "LISTENERS": ",".join(f"{name}://0.0.0.0:{place}" for name, place in places.items()),
        "ADVERTISED_LISTENERS": ",".join(f"{name}://{place}" for name, place in advertised.items()),
        "LISTENER_SECURITY_PROTOCOL_MAP": ",".join(f"{name}:{kind}" for name, kind in protocols.items()),
        "INTER_BROKER_LISTENER_NAME": "BROKERS",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "SASL_MECHANISM_INTER_BROKER_PROTOCOL": "PLAIN",
        "SASL_MECHANISM_CONTROLLER_PROTOCOL": "PLAIN",
        **_logins(),
        "SSL_KEYSTORE_TYPE": "PEM",
        "SSL_KEYSTORE_LOCATION": IN_THE_CONTAINER,
        "AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "SUPER_USERS": f"User:{ADMIN}",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "MIN_INSYNC_REPLICAS": 2,
        "OFFSETS_TOPIC_NUM_PARTITIONS": 8,
        "TRANSACTION_STATE_LOG_NUM_PARTITIONS": 8,
        "GROUP_INITIAL_REBALANCE_DELAY_MS": 0,
        # Long enough for a busy machine, short enough to see a broker go.
        "BROKER_SESSION_TIMEOUT_MS": 6000,
        "CONTROLLER_QUORUM_FETCH_TIMEOUT_MS": 5000,
        "CONTROLLER_QUORUM_ELECTION_TIMEOUT_MS": 3000,
        "BROKER_HEARTBEAT_INTERVAL_MS": 500,
        "LOG_CLEANER_DEDUPE_BUFFER_SIZE": 8 * 1_048_576,
        "OPTS": "-Dsun.net.inetaddr.ttl=1",  # who was cut off comes back with another address
    }
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name}", str(value))
    return container.with_env("CLUSTER_ID", "MkU3OEVBNTcwNTJENDM2Qk")


def _logins() -> dict[str, str]:
    """Who may log in where: people by SCRAM, from outside the administrator; brokers as the administrator."""
    found: dict[str, str] = {}
    for listener, mechanisms in {
        "INSIDE": ["SCRAM-SHA-512"],
        "OUTSIDE": ["SCRAM-SHA-512", "PLAIN"],
        "BROKERS": ["PLAIN"],
        "CONTROLLER": ["PLAIN"],
    }.items():
        found[f"LISTENER_NAME_{listener}_SASL_ENABLED_MECHANISMS"] = ",".join(mechanisms)
        for mechanism in mechanisms:
            module = PLAIN if mechanism == "PLAIN" else SCRAM
            name = mechanism.replace("-", "___")
            found[f"LISTENER_NAME_{listener}_{name}_SASL_JAAS_CONFIG"] = module
    return found
