"""What may be logged of an error that a rollup has met: nothing that could quote a record."""

from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from bridge.telemetry import where_raised
from processors.registry_errors import RegistryError


class TopicsDiffer(ValueError):
    """A rollup's topics are missing or differ; the message names them and the remedy."""


# Their messages are ours, or Kafka's own, and speak of servers and topics.
_SPEAKING = (RegistryError, TopicsDiffer, KafkaException, KafkaError)


def told(error: BaseException) -> str:
    """Its message where that speaks of servers and topics alone; else its type and where it was raised."""
    kind = type(error).__name__
    if isinstance(error, _SPEAKING):
        return str(error) or kind
    where = where_raised(error)
    return f"{kind}\n{where}" if where else kind
