"""The engines: one interface, three ways to have a Kafka, a schema registry and an SQS."""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from bridge.sandbox.engines.base import Engine, EngineOptions, EngineUnavailable


@dataclass(frozen=True, slots=True)
class Member:
    """An engine by its module and class, imported when asked for: what it stands on is optional."""

    module: str
    class_name: str
    remedy: str

    def __call__(self, options: EngineOptions) -> Engine:
        """Makes the engine, not started. Raises EngineUnavailable where a package is missing."""
        try:
            engine: Engine = getattr(import_module(self.module), self.class_name)(options)
        except ModuleNotFoundError as error:
            name = self.module.rpartition(".")[2]
            message = f"engine {name}: the package {error.name} is missing. Install it: {self.remedy}"
            raise EngineUnavailable(message) from None
        return engine


_EXTRA: Final = "pip install 'canvas-bridge[sandbox]'"

ENGINES: Final[dict[str, Member]] = {
    "embedded": Member("bridge.sandbox.engines.embedded", "EmbeddedEngine", _EXTRA),
    "processes": Member("bridge.sandbox.engines.processes", "ProcessesEngine", _EXTRA),
    "containers": Member(
        "bridge.sandbox.engines.containers", "ContainersEngine", "pip install 'testcontainers>=4.15'"
    ),
}
