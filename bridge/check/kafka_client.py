"""Asks Kafka, and turns librdkafka's errors into a cause and a remedy."""

import logging
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs re-export nothing
    AdminClient,
    ConfigResource,
)

from bridge.check.base import ANSWER_SECONDS
from bridge.kafka import client_config
from bridge.settings import KafkaSettings

# The most telling first: what a lost connection was lost for comes from another error before it.
CAUSES: Final = (
    (KafkaError._AUTHENTICATION, "set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD "
     "to what this listener of the brokers wants"),
    (KafkaError._SSL, "set KAFKA_SSL_CA_LOCATION to the brokers' CA, and KAFKA_SECURITY_PROTOCOL to what "
     "this listener speaks"),
    (KafkaError._RESOLVE, "set KAFKA_BOOTSTRAP_SERVERS to names this machine can resolve"),
    (KafkaError._TRANSPORT, "see that the brokers run and their port is open to this machine, and set "
     "KAFKA_SECURITY_PROTOCOL to what this listener speaks"),
)  # fmt: skip
_NOISE: Final = re.compile(r" \((after|SSL handshake|\d+ms).*$")

_silent = logging.getLogger(f"{__name__}.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class NoAnswer(Exception):
    """Kafka cannot be asked."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class KafkaClient:
    """One client; every question raises NoAnswer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._errors: list[KafkaError] = []
        config = client_config(settings, socket_timeout_ms=int(ANSWER_SECONDS * 1000))
        config["error_cb"] = self._errors.append
        try:
            self._client = AdminClient(config, logger=_silent)
        except (KafkaException, ValueError, ssl.SSLError) as error:
            cause = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise NoAnswer(f"the client refuses its settings: {cause}", "mend the KAFKA_* setting") from None

    def metadata(self) -> Any:
        """Brokers and topics (confluent_kafka's ClusterMetadata)."""
        try:
            return self._client.list_topics(timeout=ANSWER_SECONDS)
        except KafkaException as error:
            self._client.poll(0)
            raise self._explained(error.args[0]) from None

    def topic_settings(self, topic: str) -> Mapping[str, str]:
        """A topic's settings, name -> value, defaults included."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = self._result(
            lambda: self._client.describe_configs([resource], request_timeout=ANSWER_SECONDS)[resource]
        )
        return {name: entry.value for name, entry in entries.items()}

    def allowed(self, topic: str) -> set[str] | None:
        """The names of what we may do to a topic (READ, WRITE, …); None where the cluster does not tell."""
        answer = self._result(
            lambda: self._client.describe_topics(
                TopicCollection([topic]), include_authorized_operations=True, request_timeout=ANSWER_SECONDS
            )[topic]
        )
        operations = answer.authorized_operations
        return {operation.name for operation in operations} if operations else None

    def _result(self, ask: Any) -> Any:
        try:
            return ask().result(ANSWER_SECONDS + 1)
        except KafkaException as error:
            raise NoAnswer(error.args[0].str(), "") from None
        except TimeoutError:
            raise NoAnswer("no answer in time", "") from None

    def _explained(self, error: KafkaError) -> NoAnswer:
        for code, remedy in CAUSES:
            texts = [_NOISE.sub("", each.str()) for each in self._errors if each.code() == code]
            if texts:
                return NoAnswer(texts[-1], remedy)
        return NoAnswer(error.str(), CAUSES[-1][1])
