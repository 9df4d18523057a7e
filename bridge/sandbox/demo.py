"""`canvas-bridge demo`: the whole product on this machine, and the proof that nothing got lost on the way."""

import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.sandbox.children import ChildFailed, Children
from bridge.sandbox.demo_report import show
from bridge.sandbox.flow import Flow
from bridge.sandbox.tally import Tally

ENGINE_SECONDS = 1800.0  # the first start of the real engine downloads it


@click.command("demo")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "real", "containers"]),
    default="embedded",
    show_default=True,
    help="As of `canvas-bridge sandbox`.",
)
@click.option("--count", type=click.IntRange(1), default=2000, show_default=True, help="Events to simulate.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same events.")
def command(engine: str, count: int, seed: int) -> None:
    """Runs everything once: sandbox, both doors, the worker, and the events of an invented university.

    Ends with tables of what came out, and with exit status 1 where
    accepted = typed + unknown + dead-lettered + duplicates does not hold.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="canvas-bridge-demo-") as folder:
        try:
            holds = run(Path(folder), console, engine, (count, seed))
        except ChildFailed as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            console.print("stopped; nothing is left running")
            sys.exit(130)
    sys.exit(0 if holds else 1)


def run(folder: Path, console: Console, engine: str, events: tuple[int, int]) -> bool:
    """Starts, simulates (count, seed), waits, shows and stops. True where the conservation line holds."""
    with Children(folder, {"LOG_LEVEL": "WARNING"}) as children:
        env_file = folder / "sandbox.env"
        with console.status(f"starting the {engine} engine"):
            children.start(
                *("sandbox", "canvas-bridge", "sandbox", "--engine", engine, "--env-file", str(env_file))
            )
            children.wait_for("sandbox", env_file.exists, ENGINE_SECONDS)
        children.environment |= read_env(env_file)
        _say(console, f"{engine} engine: Kafka, schema registry and SQS are up")
        flow = Flow(children, folder)
        with console.status("creating topics, registering schemas"):
            flow.prepare()
        _say(console, "topics created, schemas registered")
        with console.status("starting both doors and the worker"):
            flow.start()
        delivery = children.environment["PROCESSORS_DELIVERY"].replace("_", " ")
        _say(console, f"webhook (signed), SQS ingress and worker ({delivery}) are ready")
        report = flow.simulate(*events)
        tally, duplicates = _settle(flow, console, report["accepted"])
        return show(console, tally, report, duplicates)


def _settle(flow: Flow, console: Console, accepted: int) -> tuple[Tally, int]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("typed and rolled up", total=accepted)
        return flow.settle(accepted, lambda done: progress.update(task, completed=done))


def read_env(path: Path) -> dict[str, str]:
    """The variables of a file of `export NAME='value'` lines."""
    lines = path.read_text().splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
    return {name: value.strip("'\"") for name, value in pairs}


def _say(console: Console, text: str) -> None:
    console.print(f"[green]✓[/] {text}")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt
