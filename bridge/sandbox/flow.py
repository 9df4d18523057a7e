"""The whole flow as console commands: both doors and the worker started, fed, and waited for."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from bridge.sandbox.children import Children
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.tally import Tally, TopicReader, read_metrics

SETTLE_SECONDS = 180.0
DUPLICATES = "canvas_processors_duplicates_total"
ROLLED_UP = ("canvas_processors_rollup_updates_total", "canvas_processors_rollup_left_out_total")
PORTS = ("webhook", "jwks", "webhook admin", "sqs admin", "worker admin")
TROUBLE = ("--duplicates", "0.03", "--malformed", "0.01", "--unknown", "0.02")


class Flow:
    """Canvas in a box, both doors and the worker, on the engine that the children's environment points at."""

    def __init__(self, children: Children, folder: Path) -> None:
        self._children = children
        self._folder = folder
        children.environment["PROCESSORS_DATA_DIR"] = str(folder / "tables")
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))

    def prepare(self) -> None:
        """Creates topics and registers schemas."""
        self._children.run("topics", "canvas-processors", "topics", "create")
        self._children.run("schemas", "canvas-processors", "schemas", "register")

    def start(self) -> None:
        """Starts the commands and waits until each says that it is ready."""
        ports = {name: str(port) for name, port in self.ports.items()}
        jwks = f"http://127.0.0.1:{ports['jwks']}/jwks"
        start = self._children.start
        start(
            "jwks", "canvas-bridge", "simulate", "--serve-jwks", "--jwks-port", ports["jwks"], *self._keys()
        )
        start(
            *("webhook", "canvas-bridge", "webhook", "--port", ports["webhook"]),
            *("--jwks-url", jwks, "--admin-port", ports["webhook admin"]),
        )
        start("sqs", "canvas-bridge", "sqs", "--wait-seconds", "1", "--admin-port", ports["sqs admin"])
        start("worker", "canvas-processors", "worker", "--admin-port", ports["worker admin"])
        for name in ("webhook", "sqs", "worker"):
            self._children.wait_for(name, lambda port=self.ports[f"{name} admin"]: is_ready(port))  # type: ignore[misc]

    def simulate(self, count: int, seed: int) -> dict[str, Any]:
        """Lets the university send over both doors, in both formats, and returns the simulator's report."""
        report = self._folder / "report.json"
        self._children.run_here(
            *("canvas-bridge", "simulate", "--count", str(count), "--seed", str(seed)),
            *("--to", f"http://127.0.0.1:{self.ports['webhook']}/", "--signed", *self._keys()),
            *("--sqs-queue-url", self._children.environment["BRIDGE_SQS__QUEUE_URL"]),
            # Now: the rollup leaves out what is received long after its time.
            *("--start", "now", *TROUBLE, "--report", str(report)),
        )
        result: dict[str, Any] = json.loads(report.read_text())
        return result

    def settle(self, accepted: int, show: Callable[[int], None] = lambda _: None) -> tuple[Tally, int]:
        """Reads until all that was accepted has come out and is rolled up, at most for SETTLE_SECONDS.

        Returns what came out, and how many duplicates were dropped. `show` is told how many have come out.
        """
        limit = time.monotonic() + SETTLE_SECONDS
        reader = TopicReader(self._children.environment)
        try:
            while True:
                self._children.check()
                tally, metrics = reader.read(0.5), read_metrics(self.ports["worker admin"])
                duplicates = int(metrics.get(DUPLICATES, 0))
                show(tally.total + duplicates)
                done = tally.total + duplicates >= max(tally.raw, accepted) and _rolled_up(tally, metrics)
                if done or time.monotonic() > limit:
                    return reader.read(1.0), duplicates
        finally:
            reader.close()

    def _keys(self) -> tuple[str, str]:
        return "--key-file", str(self._folder / "keys.json")


def _rolled_up(tally: Tally, metrics: Mapping[str, float]) -> bool:
    """Whether the rollup has taken every event it is fed with."""
    fed = tally.typed["course_progress"] + tally.typed["course_completed"]
    return sum(metrics.get(name, 0) for name in ROLLED_UP) >= fed


def is_ready(port: int) -> bool:
    """Whether the process behind an admin port says so."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
