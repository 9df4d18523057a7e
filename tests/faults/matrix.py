"""The fault matrix: each fault on the real engine under a steady load, and the conservation of events.

    python -m tests.faults.matrix [--only NAME ...] [--rate 200] [--seconds 60] [--list]

The exit status is 1 where an accepted event was lost, one was invented or altered, or a door did not recover.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import click

from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.processes import ProcessesEngine
from tests.faults import FAULTS
from tests.faults.raw_topic import WITH_RULES
from tests.faults.small_disk import can_mount
from tests.faults.table import show
from tests.faults.trial import Pace, Row, try_fault


@click.command()
@click.option("--only", "names", multiple=True, type=click.Choice(list(FAULTS)), help="May be repeated.")
@click.option("--rate", type=float, default=200.0, show_default=True, help="Deliveries a second.")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="The longest a fault lasts.")
@click.option("--list", "listing", is_flag=True, help="Names the faults, and does nothing.")
def main(names: tuple[str, ...], rate: float, seconds: float, *, listing: bool) -> None:
    """Runs faults one after the other, all without --only, and prints the table."""
    if listing:
        click.echo("\n".join(FAULTS))
        return
    with ProcessesEngine(EngineOptions(broker_properties=WITH_RULES)) as engine:
        os.environ.update(engine.addresses.environment())  # the sender to SQS finds its credentials there
        rows, failures = run(names or tuple(FAULTS), engine, Pace(rate=rate, seconds=seconds))
    show(rows)
    for name, reason in failures.items():
        click.echo(f"\n{name}: {reason}")
    sys.exit(1 if failures or not all(row.verdict.holds for row in rows) else 0)


def run(names: tuple[str, ...], engine: ProcessesEngine, pace: Pace) -> tuple[list[Row], dict[str, str]]:
    """The rows, and why there is none of a fault."""
    rows: list[Row] = []
    failures: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        began = time.monotonic()
        if FAULTS[name].setup.disk and not can_mount():
            click.echo(f"{name}: left out, for only root can mount a small disk", err=True)
            continue
        with tempfile.TemporaryDirectory(prefix="fault-") as folder:
            try:
                rows.append(try_fault(FAULTS[name], engine, Path(folder), pace))
            except AssertionError as failure:
                failures[name] = str(failure)
        click.echo(f"{number}/{len(names)} {name}: {time.monotonic() - began:.0f} s", err=True)
    return rows, failures


if __name__ == "__main__":
    main()
