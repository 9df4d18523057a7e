"""Everything inside this process and in memory: started in a second, gone with it, at least once.

Kafka is librdkafka's mock cluster: a TCP broker for every client, which keeps about 5 MiB per partition,
makes a topic (4 partitions) when its metadata is asked for, and forgets transactional offsets.
"""

import logging
import threading
from typing import Any

from confluent_kafka import Producer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from bridge.sandbox.engines.base import (
    COMPATIBILITY,
    Addresses,
    Delivery,
    Engine,
    EngineFailure,
    EngineOptions,
    Fault,
    Part,
    UnsupportedFault,
)
from bridge.sandbox.engines.registry.server import RegistryServer
from bridge.sandbox.engines.registry.subjects import SubjectStore


class SqsServer:
    """moto's SQS over HTTP. Its queues belong to the process: they outlive the server."""

    def __init__(self) -> None:
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Endpoint URL; known after the first start."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens on loopback: the first time on a free port, then on the same again."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line per request
        application: Any = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", self._port, application, threaded=True)
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sqs", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the port; harmless when it is closed."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = None


class EmbeddedEngine(Engine):
    """The engine `embedded`: of the faults only kill and restart of the registry and of SQS."""

    name = "embedded"
    creates_topics = False
    delivery: Delivery = "at_least_once"

    def __init__(self, options: EngineOptions) -> None:
        self._brokers = options.brokers
        self._kafka: Any = None
        self._bootstrap_servers = ""
        self._registry = RegistryServer(_store())
        self._sqs = SqsServer()

    @property
    def addresses(self) -> Addresses:
        """Where it answers; known after the start."""
        return Addresses(
            self._bootstrap_servers, self._registry.url, self._sqs.url, self.delivery, self._brokers
        )

    def start(self) -> None:
        """Starts the three parts. Raises EngineFailure or OSError; nothing is left running then."""
        try:
            self._sqs.start()
            self._registry.start()
            self._start_kafka()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the three parts, and all they held but SQS's queues, which end with the process."""
        self._registry.stop()
        self._sqs.stop()
        self._kafka = None  # the cluster ends with its last handle

    def check(self) -> None:
        """Its parts are threads of this process: they end with it, not before."""

    def kill(self, part: Part) -> None:
        """Closes the part's port."""
        self._server(part, "kill").stop()

    def pause(self, part: Part) -> None:
        """Raises UnsupportedFault."""
        raise UnsupportedFault(self.name, "pause", part, "a thread cannot be frozen")

    def resume(self, part: Part) -> None:
        """Raises UnsupportedFault."""
        raise UnsupportedFault(self.name, "resume", part, "a thread cannot be frozen")

    def restart(self, part: Part) -> None:
        """Opens the part's port again."""
        server = self._server(part, "restart")
        server.stop()
        server.start()

    def _server(self, part: Part, fault: Fault) -> RegistryServer | SqsServer:
        if part == "kafka":
            raise UnsupportedFault(self.name, fault, part, "librdkafka's mock cluster has no such handle")
        return self._registry if part == "registry" else self._sqs

    def _start_kafka(self) -> None:
        # Errors of clients that come and go are no news of ours: log nothing below critical.
        config = {"bootstrap.servers": "mock", "test.mock.num.brokers": self._brokers, "log_level": 2}
        self._kafka = Producer(config)
        brokers = self._kafka.list_topics(timeout=10).brokers.values()
        if len(brokers) != self._brokers:
            raise EngineFailure(
                f"engine embedded: {len(brokers)} of {self._brokers} brokers answered. Start again"
            )
        self._bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


def _store() -> SubjectStore:
    store = SubjectStore()
    store.set_level(COMPATIBILITY)
    return store
