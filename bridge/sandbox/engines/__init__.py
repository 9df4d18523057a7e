"""The engines: one interface, three ways to have a Kafka, a schema registry and an SQS.

Each is imported only when it is asked for: what it stands on is optional.
"""

from collections.abc import Callable
from typing import Final

from bridge.sandbox.engines.base import Engine, EngineOptions


def _embedded(options: EngineOptions) -> Engine:
    from bridge.sandbox.engines.embedded import EmbeddedEngine

    return EmbeddedEngine(options)


def _processes(options: EngineOptions) -> Engine:
    from bridge.sandbox.engines.processes import ProcessesEngine

    return ProcessesEngine(options)


def _containers(options: EngineOptions) -> Engine:
    from bridge.sandbox.engines.containers import ContainersEngine

    return ContainersEngine(options)


ENGINES: Final[dict[str, Callable[[EngineOptions], Engine]]] = {
    "embedded": _embedded,
    "processes": _processes,
    "containers": _containers,
}
