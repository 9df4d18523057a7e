"""librdkafka's mock cluster, told by its C interface what to answer: a broker over TCP, in this process."""

import ctypes
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka

PRODUCE: Final = 0  # Kafka's API keys
NOT_LEADER: Final = 6  # its error codes
_PRODUCER: Final = 0


class MockCluster:
    """One broker. It takes a producer's sequence numbers as they come, as Kafka does in a topic made anew."""

    def __enter__(self) -> Self:
        (library,) = Path(confluent_kafka.__file__).parents[1].glob("confluent_kafka.libs/librdkafka-*.so*")
        self._c: Any = ctypes.CDLL(str(library))
        for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(self._c, function).restype = ctypes.c_void_p
        self._c.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        conf = ctypes.c_void_p(self._c.rd_kafka_conf_new())
        self._c.rd_kafka_conf_set(conf, b"log_level", b"0", None, ctypes.c_size_t(0))
        self._client = ctypes.c_void_p(self._c.rd_kafka_new(_PRODUCER, conf, None, ctypes.c_size_t(0)))
        self._cluster = ctypes.c_void_p(self._c.rd_kafka_mock_cluster_new(self._client, 1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._c.rd_kafka_mock_cluster_destroy(self._cluster)
        self._c.rd_kafka_destroy(self._client)

    @property
    def bootstrap_servers(self) -> str:
        """Where it answers."""
        servers: bytes = self._c.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return servers.decode()

    def answer_after(self, milliseconds: int) -> None:
        """From now on it lets every request wait."""
        self._c.rd_kafka_mock_broker_set_rtt(self._cluster, 1, milliseconds)

    def refuse_next(self, api_key: int, error: int) -> None:
        """The next request of the kind comes to nothing, and is answered with the error."""
        self._c.rd_kafka_mock_push_request_errors(
            self._cluster, ctypes.c_int16(api_key), ctypes.c_size_t(1), ctypes.c_int(error)
        )
