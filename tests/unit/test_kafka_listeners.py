"""Kafka's further listeners: each broker tells their clients a port where it does not listen itself."""

from pathlib import Path

from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.java.kafka import KafkaCluster


def test_every_broker_has_them_beside_its_own(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, "kafka.jar", EngineOptions(brokers=3, listeners=("ONE", "TWO")))
    ways = [way for name in ("ONE", "TWO") for way in cluster.ways(name)]
    ports = {way.port for way in ways} | {way.advertised for way in ways}
    assert len(ports) == 12
    assert not ports & {int(address.rpartition(":")[2]) for address in cluster.bootstrap_servers.split(",")}
    for number, node in enumerate(cluster._nodes):
        properties = cluster._properties(node)
        way = cluster.ways("ONE")[number]
        assert f"ONE://127.0.0.1:{way.port}," in properties["listeners"]
        assert f"ONE://127.0.0.1:{way.advertised}," in properties["advertised.listeners"]
        assert "ONE:PLAINTEXT" in properties["listener.security.protocol.map"]


def test_without_any_there_is_nothing_more(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, "kafka.jar", EngineOptions())
    properties = cluster._properties(cluster._nodes[0])
    assert properties["listeners"].count("://") == 2
    assert properties["advertised.listeners"].count("://") == 1
