"""The real things as processes of this machine, from pip packages alone: no Java, Maven or Docker needed."""

import shutil
import tempfile
import time
from pathlib import Path

from bridge.sandbox.engines.base import (
    Addresses,
    Delivery,
    Engine,
    EngineFailure,
    EngineOptions,
    Part,
    set_compatibility,
)
from bridge.sandbox.engines.java import kafka, registry, sqs
from bridge.sandbox.engines.java.child import Child, Launch, Watchdog, stop_all
from bridge.sandbox.engines.java.downloads import Downloads
from bridge.sandbox.engines.java.progress import DownloadProgress


class ProcessesEngine(Engine):
    """The engine `processes`: every fault, by signal. With three brokers those of "kafka" hit the first."""

    name = "processes"
    creates_topics = True
    delivery: Delivery = "exactly_once"

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._state_dir = options.state_dir
        self._folder: Path | None = None
        self._watchdog: Watchdog | None = None
        self._children: list[Child] = []
        self._parts: dict[Part, Child] = {}
        self._addresses: Addresses | None = None
        self._cluster: kafka.KafkaCluster | None = None

    @property
    def addresses(self) -> Addresses:
        """Where it answers; known after the start."""
        if self._addresses is None:
            raise EngineFailure(f"engine {self.name} is not started. Use it as `with engine:`")
        return self._addresses

    def start(self) -> None:
        """Downloads what is not cached yet, starts all parts, returns when they can be used.

        Raises EngineUnavailable without the downloads, EngineFailure with the end of the log of the part
        that did not start; the folder is left then.
        """
        try:
            self._start()
        except EngineFailure:
            self._end_children()
            raise
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every process; removes the folder where it is a temporary one."""
        self._end_children()
        if self._folder is not None and self._state_dir is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        self._addresses = None

    def check(self) -> None:
        """Raises EngineFailure with the end of its log where a process has ended by itself."""
        for child in self._children:
            child.check()

    def ways(self, listener: str) -> list[kafka.Way]:
        """Of a further listener (EngineOptions.listeners) of Kafka, one for each broker."""
        if self._cluster is None:
            raise EngineFailure(f"engine {self.name} is not started. Use it as `with engine:`")
        return self._cluster.ways(listener)

    def kill(self, part: Part) -> None:
        """SIGKILL."""
        self._parts[part].kill()

    def end(self, part: Part) -> None:
        """SIGTERM; returns when it is gone, after three seconds by SIGKILL."""
        stop_all([self._parts[part]])

    def pause(self, part: Part) -> None:
        """SIGSTOP."""
        self._parts[part].pause()

    def resume(self, part: Part) -> None:
        """SIGCONT."""
        self._parts[part].resume()

    def restart(self, part: Part) -> None:
        """SIGKILL where it still runs, and a new process on the same port with the same data."""
        self._parts[part].restart()

    def _start(self) -> None:
        downloads = Downloads(DownloadProgress())
        kafka_jars, sqs_jars = downloads.class_path(kafka.PROGRAM), downloads.class_path(sqs.PROGRAM)
        registry_folder = downloads.folder(registry.PROGRAM)
        folder = self._folder = _new_folder(self._state_dir)
        watchdog = self._watchdog = Watchdog()
        registry_launch, registry_url = registry.registry_launch(folder, registry_folder)
        sqs_launch, sqs_url = sqs.sqs_launch(folder, sqs_jars)
        others = self._run(
            [registry_launch, sqs_launch], watchdog
        )  # they start while Kafka formats its folders
        cluster = self._cluster = kafka.KafkaCluster(folder, kafka_jars, self._options)
        cluster.format(watchdog)
        brokers = self._run(cluster.launches(), watchdog)
        for child in self._children:
            child.wait_until_usable()
        self._parts = {"kafka": brokers[0], "registry": others[0], "sqs": others[1]}
        set_compatibility(registry_url)
        self._addresses = Addresses(
            cluster.bootstrap_servers, registry_url, sqs_url, self.delivery, self._options.brokers
        )

    def _run(self, launches: list[Launch], watchdog: Watchdog) -> list[Child]:
        started = [Child(launch, watchdog) for launch in launches]
        for child in started:
            self._children.append(child)
            child.start()
        return started

    def _end_children(self) -> None:
        if self._watchdog is not None:
            stop_all(self._children)
            self._watchdog.close()
        self._children, self._watchdog = [], None


def _new_folder(state_dir: Path | None) -> Path:
    """A folder for this run alone: a run never meets the data of another."""
    if state_dir is None:
        return Path(tempfile.mkdtemp(prefix="canvas-bridge-"))
    state_dir.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime("run-%Y%m%dT%H%M%S-"), dir=state_dir.resolve()))
