"""The Kafka cluster as far as topics go: which there are, and making more."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs re-export nothing
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    NewTopic,
    TopicMetadata,
)

from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.topics.topic_plan import FoundTopic, PlannedTopic

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 30.0
_LOOK_AGAIN_SECONDS: Final = 0.1
_ADVICE: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: ": give the user Create and DescribeConfigs on our topics",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: ": give the user Create on the cluster",
    KafkaError.TOPIC_EXCEPTION: ": choose another KAFKA_TOPIC_PREFIX or PROCESSORS_GROUP_ID",
}
_MOCK_CLUSTER: Final = "mockCluster"  # how librdkafka's mock cluster begins its cluster id


class ClusterError(Exception):
    """The cluster cannot be used. The message names the setting, the cause and the remedy."""


class Cluster:
    """Asks and changes one cluster. Raises ClusterError where it cannot be reached."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._servers = settings.bootstrap_servers
        self._reason = ""
        # librdkafka would log every attempt; what stopped the last one is said once.
        config = {**client_config(settings), "error_cb": self._note, "log_level": 0}
        try:
            self._admin = AdminClient(config)
        except KafkaException as error:
            raise ClusterError(f"KAFKA_*: {_text(error)}") from None
        metadata = self._ask()
        self.brokers = len(metadata.brokers)
        # It has no CreateTopics, and answers the request with silence.
        self.makes_topics_when_asked_for = str(metadata.cluster_id).startswith(_MOCK_CLUSTER)
        self._topics = metadata.topics

    def _ask(self) -> ClusterMetadata:
        try:
            return self._admin.list_topics(timeout=_TIMEOUT_SECONDS)
        except KafkaException as error:
            self._admin.poll(0)
            raise ClusterError(
                f"Kafka at {self._servers} cannot be reached: {self._reason or _text(error)}. "
                "Check KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* and KAFKA_SSL_*."
            ) from None

    def _note(self, error: KafkaError) -> None:
        self._reason = error.str()

    def found(self, names: Iterable[str]) -> dict[str, FoundTopic]:
        """Those of the named topics that exist."""
        present = [name for name in names if name in self._topics and not self._topics[name].error]
        return {
            name: FoundTopic(*_shape(self._topics[name]), settings)
            for name, settings in zip(present, self._settings_of(present), strict=True)
        }

    def create(self, topics: Sequence[PlannedTopic], *, dry_run: bool) -> Iterator[str | None]:
        """Makes the topics; `dry_run`: lets the cluster check.

        Per topic, in order: "" where it is made, None where it was there already, or why it is refused.
        """
        new = [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, config=dict(topic.settings))
            for topic in topics
        ]
        answers = (
            self._admin.create_topics(new, request_timeout=_TIMEOUT_SECONDS, validate_only=dry_run)
            if new
            else {}
        )
        for topic in topics:
            yield _cause(answers[topic.name])

    def wait_for(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        """Waits until all clients can use the topics: what is created is not seen by every broker at once."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while names:
            self._topics |= self._ask().topics
            unseen = [name for name in names if not _is_usable(self._topics.get(name))]
            if not unseen:
                break
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"the topics {', '.join(unseen)} are created, but after {_TIMEOUT_SECONDS:.0f} s the "
                    "cluster does not show them: let the user describe them, or look at the brokers' health, "
                    "then run the command again"
                )
            time.sleep(_LOOK_AGAIN_SECONDS)
        return self.found(names)

    def ask_for(self, name: str) -> str:
        """Makes a topic on a cluster that makes what it is asked for. "" or the cause."""
        try:
            topic = self._admin.list_topics(name, timeout=_TIMEOUT_SECONDS).topics[name]
        except KafkaException as error:
            return _text(error)
        self._topics[name] = topic
        return topic.error.str() if topic.error else ""

    def _settings_of(self, names: Sequence[str]) -> Iterator[Mapping[str, str] | None]:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        if self.makes_topics_when_asked_for or not resources:
            yield from (None for _ in names)
            return
        answers = self._admin.describe_configs(resources, request_timeout=_TIMEOUT_SECONDS)
        for resource in resources:
            try:
                entries = answers[resource].result()
            except KafkaException as error:
                log.warning("the settings of %s cannot be read: %s", resource.name, _text(error))
                yield None
            else:
                yield {name: entry.value for name, entry in entries.items()}


def _is_usable(topic: TopicMetadata | None) -> bool:
    return (
        topic is not None
        and not topic.error
        and bool(topic.partitions)
        and all(partition.leader >= 0 for partition in topic.partitions.values())
    )


def _shape(topic: TopicMetadata) -> tuple[int, int]:
    """Partitions, and the fewest replicas of one."""
    return len(topic.partitions), min((len(item.replicas) for item in topic.partitions.values()), default=0)


def _cause(answer: "Future[None]") -> str | None:
    try:
        answer.result()
    except KafkaException as error:
        code = error.args[0].code()
        return None if code == KafkaError.TOPIC_ALREADY_EXISTS else _text(error) + _ADVICE.get(code, "")
    return ""


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
