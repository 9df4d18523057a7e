"""The soak: the whole chain under load, struck at random, and at its end the sum.

    python -m tests.faults.soak --minutes 15 --seed 1 --events 1000000

The same seed strikes in the same order, as long after one another, and sends the same events.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import click

from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.processes import ProcessesEngine
from tests.faults.chain import open_chain
from tests.faults.plan import plan, printed
from tests.faults.soak_report import Report, show
from tests.faults.soak_run import Soak
from tests.faults.strikes import STRIKES, possible
from tests.faults.surroundings import LISTENERS

RATE: Final = 250.0
MARGIN: Final = 1.15
LONGEST: Final = 4  # times the minutes: planned for a machine on which so many events take longer


@click.command(context_settings={"show_default": True})
@click.option("--minutes", type=click.FloatRange(0), default=15.0, help="Of strikes, at least.")
@click.option("--seed", type=int, help="Of the plan and of the events.  [default: a random one]")
@click.option("--events", type=click.IntRange(0), default=0, help="Goes on until so many are accepted.")
@click.option("--rate", type=float, default=RATE, help="Deliveries a second, where --events needs no more.")
@click.option(
    "--brokers", type=click.Choice(["1", "3"]), default="1", help="With 3, strikes hit one of them."
)
@click.option("--only", "among", multiple=True, type=click.Choice(list(STRIKES)), help="May be repeated.")
@click.option("--keep", type=click.Path(path_type=Path), help="A new folder for logs and ledger.")
def main(minutes: float, seed: int | None, keep: Path | None, **scale: Any) -> None:
    """Prints the plan, how it goes, the time to recover from each strike, and the ledger.

    The exit status is 1 where an event was lost, doubled, invented or altered.
    """
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        if keep is not None:
            keep.mkdir(parents=True)
        scale["brokers"] = int(scale["brokers"])
        asked = Scale(minutes * 60, **scale)
        report = soak(keep or Path(folder), seed, asked)
    show(report)
    sys.exit(0 if report.holds else 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """`seconds` of strikes, at least; `events`: goes on until so many are accepted; `rate`, at least.

    `among` these strikes; none: all that this machine can have.
    """

    seconds: float
    events: int = 0
    rate: float = RATE
    brokers: int = 1
    among: Sequence[str] = ()

    @property
    def pace(self) -> float:
        """Deliveries a second: what the events need, with a margin for the time in which a door is away."""
        return max(self.rate, MARGIN * self.events / self.seconds) if self.seconds else self.rate


def soak(folder: Path, seed: int, scale: Scale) -> Report:
    """Raises AssertionError where something did not recover at all, or did not end well."""
    seconds, rate = scale.seconds, scale.pace
    among = scale.among or possible()
    steps = plan(seed, LONGEST * seconds, among)
    click.echo(f"seed {seed}: {rate:.0f} deliveries a second for {seconds:.0f} s", err=True)
    click.echo(printed(plan(seed, seconds, among)), err=True)
    began = time.monotonic()
    with (
        ProcessesEngine(EngineOptions(brokers=scale.brokers, listeners=LISTENERS)) as engine,
        # The sender to SQS finds its credentials there.
        patch.dict(os.environ, engine.addresses.environment()),
        open_chain(engine, folder, rate, seed) as chain,
    ):
        return Soak(chain, began, seed).run(steps, seconds, scale.events)


if __name__ == "__main__":
    main()
