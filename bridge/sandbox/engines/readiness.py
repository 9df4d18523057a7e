"""Whether a part serves yet. A part that is not up is no news: nothing is raised, nothing logged."""

import socket
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

SECONDS: Final = 2
PROBE_TOPIC: Final = "__canvas_bridge_probe"


def answers(host: str, port: int, path: str = "/") -> int | None:
    """The status of a GET; None where there is no answer within two seconds."""
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def writable(bootstrap_servers: str, brokers: int) -> bool:
    """Whether so many brokers are there and a record on a topic of theirs is confirmed."""
    if not all(_accepts(address) for address in bootstrap_servers.split(",")):
        return False
    # The client logs nothing below critical.
    config: dict[str, Any] = {"bootstrap.servers": bootstrap_servers, "log_level": 2}
    admin = AdminClient(config)
    try:
        if len(admin.list_topics(timeout=SECONDS).brokers) < brokers:
            return False
        with Producer({**config, "delivery.timeout.ms": SECONDS * 1000, "linger.ms": 0}) as producer:
            return _write_once(admin, producer)
    except KafkaException:
        return False


def _write_once(admin: AdminClient, producer: Producer) -> bool:
    topic = NewTopic(PROBE_TOPIC, num_partitions=1, replication_factor=-1)
    try:
        admin.create_topics([topic], operation_timeout=SECONDS)[PROBE_TOPIC].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    outcome: list[KafkaError | None] = []
    producer.produce(PROBE_TOPIC, b"probe", on_delivery=lambda error, _: outcome.append(error))
    producer.flush(SECONDS)
    admin.delete_topics([PROBE_TOPIC], operation_timeout=SECONDS)[PROBE_TOPIC].result()
    return outcome == [None]


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), SECONDS):
            return True
    except OSError:
        return False
