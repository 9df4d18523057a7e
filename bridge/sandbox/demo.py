"""`canvas-bridge demo`: the whole product on this machine, and the proof that nothing got lost on the way."""

import json
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.request import urlopen

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.sandbox.children import ChildFailed, Children
from bridge.sandbox.demo_report import show
from bridge.sandbox.tally import Tally, TopicReader, read_metrics

SETTLE_SECONDS = 180.0
DUPLICATES = "canvas_processors_duplicates_total"


@click.command("demo")
@click.option(
    "--engine", type=click.Choice(["embedded", "real", "containers"]), default="embedded", show_default=True
)
@click.option("--count", type=click.IntRange(1), default=2000, show_default=True, help="Events to simulate.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same events.")
def command(engine: str, count: int, seed: int) -> None:
    """Runs everything once: sandbox, both doors, the worker, 2,000 events of an invented university.

    Ends with a table of what came out, and with exit status 1 where
    accepted = typed + unknown + dead-lettered + duplicates does not hold.
    """
    signal.signal(signal.SIGTERM, _stop)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="canvas-bridge-demo-") as folder:
        try:
            holds = Demo(Path(folder), console, engine).run(count, seed)
        except ChildFailed as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            console.print("stopped; nothing is left running")
            sys.exit(130)
    sys.exit(0 if holds else 1)


class Demo:
    """One run of the demo. Every part is a console command in a process of its own."""

    def __init__(self, folder: Path, console: Console, engine: str) -> None:
        self._folder = folder
        self._console = console
        self._engine = engine
        self._ports = dict(
            zip(("webhook", "jwks", "webhook admin", "sqs admin", "worker admin"), free_ports(5))
        )

    def run(self, count: int, seed: int) -> bool:
        """Starts, simulates, waits, shows and stops. True where the conservation line holds."""
        with Children(self._folder, {"LOG_LEVEL": "WARNING"}) as children:
            self._start(children)
            report = self._simulate(children, count, seed)
            reader = TopicReader(
                children.environment["KAFKA_BOOTSTRAP_SERVERS"],
                children.environment["SCHEMA_REGISTRY_URL"],
                "canvas.",
            )
            try:
                tally = self._settle(children, reader, report["accepted"])
                metrics = read_metrics(self._ports["worker admin"])
            finally:
                reader.close()
            return show(self._console, tally, report, int(metrics.get(DUPLICATES, 0)))

    def _start(self, children: Children) -> None:
        env_file = self._folder / "sandbox.env"
        with self._console.status(f"starting the {self._engine} engine"):
            children.start(
                "sandbox", "canvas-bridge", "sandbox", "--engine", self._engine, "--env-file", str(env_file)
            )
            children.wait_for("sandbox", env_file.exists, 900)
        children.environment |= read_env(env_file)
        self._say(f"{self._engine} engine: Kafka, schema registry and SQS are up")
        with self._console.status("creating topics, registering schemas"):
            children.run("topics", "canvas-processors", "topics", "create")
            children.run("schemas", "canvas-processors", "schemas", "register")
        self._say("topics created, schemas registered")
        with self._console.status("starting both doors and the worker"):
            self._start_commands(children)
        self._say("webhook (signed), SQS ingress and worker are ready")

    def _start_commands(self, children: Children) -> None:
        ports = {name: str(port) for name, port in self._ports.items()}
        jwks = f"http://127.0.0.1:{ports['jwks']}/jwks"
        key = str(self._folder / "keys.json")
        data = str(self._folder / "tables")
        children.start(
            "jwks",
            "canvas-bridge",
            "simulate",
            "--serve-jwks",
            "--jwks-port",
            ports["jwks"],
            "--key-file",
            key,
        )
        children.start(
            "webhook", "canvas-bridge", "webhook", "--port", ports["webhook"], "--jwks-url", jwks,
            "--admin-port", ports["webhook admin"],
        )  # fmt: skip
        children.start(
            "sqs", "canvas-bridge", "sqs", "--wait-seconds", "1", "--admin-port", ports["sqs admin"]
        )
        children.start(
            "worker", "canvas-processors", "worker", "--data-dir", data, "--admin-port", ports["worker admin"]
        )
        for name in ("webhook", "sqs", "worker"):
            port = self._ports[f"{name} admin"]
            children.wait_for(name, lambda port=port: is_ready(port))  # type: ignore[misc]

    def _simulate(self, children: Children, count: int, seed: int) -> dict[str, Any]:
        report = self._folder / "report.json"
        children.run_here(
            "canvas-bridge", "simulate", "--count", str(count), "--seed", str(seed),
            "--to", f"http://127.0.0.1:{self._ports['webhook']}/", "--signed",
            "--key-file", str(self._folder / "keys.json"),
            "--sqs-queue-url", children.environment["BRIDGE_SQS__QUEUE_URL"],
            "--duplicates", "0.03", "--malformed", "0.01", "--unknown", "0.02", "--report", str(report),
        )  # fmt: skip
        result: dict[str, Any] = json.loads(report.read_text())
        return result

    def _settle(self, children: Children, reader: TopicReader, accepted: int) -> Tally:
        """Reads until everything accepted has come out and the rollup has seen its share of it."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        limit = time.monotonic() + SETTLE_SECONDS
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("typed, rolled up", total=accepted)
            while time.monotonic() < limit:
                children.check()
                tally = reader.read(0.5)
                metrics = read_metrics(self._ports["worker admin"])
                progress.update(task, completed=tally.total + metrics.get(DUPLICATES, 0))
                if tally.total + metrics.get(DUPLICATES, 0) >= accepted and rolled_up(tally, metrics):
                    break
        return reader.read(1.0)

    def _say(self, text: str) -> None:
        self._console.print(f"[green]✓[/] {text}")


def rolled_up(tally: Tally, metrics: Any) -> bool:
    """Whether the rollup has taken every event it is fed with."""
    fed = tally.typed["course_progress"] + tally.typed["course_completed"]
    done = ("canvas_processors_rollup_updates_total", "canvas_processors_rollup_left_out_total")
    return bool(sum(metrics.get(name, 0) for name in done) >= fed)


def is_ready(port: int) -> bool:
    """Whether the process behind an admin port says so."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def read_env(path: Path) -> dict[str, str]:
    """The variables of a file of `export NAME='value'` lines."""
    pairs = (
        line.removeprefix("export ").split("=", 1) for line in path.read_text().splitlines() if "=" in line
    )
    return {name: value.strip("'\"") for name, value in pairs}


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [entry.getsockname()[1] for entry in sockets]
    for entry in sockets:
        entry.close()
    return ports


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt
