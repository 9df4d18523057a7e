"""Whether Kafka answers, with these settings."""

from collections.abc import Iterator

from bridge.check.base import Finding, Site, ok, problem
from bridge.check.kafka_client import KafkaClient, NoAnswer


class KafkaCheck:
    """Address, TLS and SASL in one: a listing of the brokers."""

    name = "kafka"

    def needless(self, site: Site) -> str | None:
        """Never: both doors write to it."""
        return None

    def find(self, site: Site) -> Iterator[Finding]:
        """One finding."""
        servers, protocol = site.kafka.bootstrap_servers, site.kafka.security_protocol
        try:
            brokers = KafkaClient(site.kafka).metadata().brokers
        except NoAnswer as error:
            yield problem(self.name, f"{servers} ({protocol}): {error.cause}", error.remedy)
            return
        yield ok(self.name, f"{len(brokers)} broker(s) answer at {servers} ({protocol})")
