"""The running product before a Prometheus: both doors and a worker, on one engine, and events for them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from tests.integration.door_process import DoorProcess
from tests.integration.prometheus_server import Prometheus
from tests.integration.worker_process import Stream, WorkerProcess

TROUBLE = ("--duplicates", "0.05", "--malformed", "0.02", "--unknown", "0.03")


@dataclass
class Product:
    """What may be made to fail. `jwks` answers for the keys that sign."""

    stream: Stream
    webhook: DoorProcess
    sqs: DoorProcess
    worker: WorkerProcess
    jwks: JwksServer
    prometheus: Prometheus
    keys: Path

    def events(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Starts the simulated university: it delivers over both doors, until it is killed."""
        command = [
            *(sys.executable, "-m", "bridge", "simulate", "--count", "1000000", "--start", "now"),
            *("--to", self.webhook.url, "--signed", "--key-file", str(self.keys)),
            *("--sqs-queue-url", self.stream.environment["BRIDGE_SQS__QUEUE_URL"], *arguments),
        ]
        environment = {**self.stream.environment, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        with (self.keys.parent / "simulate.log").open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


@contextmanager
def running(
    environment: Mapping[str, str], folder: Path, groups: list[dict[str, Any]], **worker: str
) -> Iterator[Product]:
    """Everything, ready and scraped. `worker`: its variables without PROCESSORS_."""
    keys = folder / "keys.json"
    SigningKeys.generate().save(keys)
    stream = Stream(dict(environment), folder)
    doors = {
        **environment,
        "BRIDGE_WEBHOOK__ACCEPT": "signed",
        "BRIDGE_SPOOL__DIRECTORY": str(folder / "spool"),
        "BRIDGE_SPOOL__MAX_AGE_HOURS": str(30 / 3600),
    }
    with ExitStack() as stack:
        jwks = stack.enter_context(JwksServer(SigningKeys.load(keys)))
        doors["BRIDGE_WEBHOOK__JWKS_URL"] = jwks.url
        webhook = stack.enter_context(DoorProcess("webhook", doors, folder / "webhook.log"))
        sqs = stack.enter_context(DoorProcess("sqs", doors, folder / "sqs.log"))
        typing = stack.enter_context(stream.worker(**worker))
        typing.wait_until_ready()
        ports = {"webhook": webhook.admin_port, "sqs": sqs.admin_port, "worker": typing.admin_port}
        prometheus = stack.enter_context(Prometheus(folder / "prometheus", ports, groups))
        yield Product(stream, webhook, sqs, typing, jwks, prometheus, keys)
