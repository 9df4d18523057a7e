"""What came of a soak, and how it is told."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import click

from processors.table import print_table
from tests.faults.oracle import RawVerdict
from tests.faults.typed_oracle import TypedVerdict


@dataclass(frozen=True, slots=True)
class Recovered:
    """Seconds from the mending of strikes until a fresh event was typed and the spool was empty."""

    names: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """`seconds` from the first delivery to the last typed record. `tries`: refused, unanswered, given up."""

    seed: int
    seconds: float
    raw: RawVerdict
    typed: TypedVerdict
    recovered: Sequence[Recovered]
    tries: tuple[int, int, int]
    started_again: int

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, doubled, invented or altered."""
        return self.raw.holds and self.typed.holds


def show(report: Report) -> None:
    """Prints the recoveries and the ledger."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for each in report.recovered:
        seconds[" + ".join(each.names)].append(each.seconds)
    rows = [
        (name, len(found), f"{statistics.median(found):.1f}", f"{max(found):.1f}")
        for name, found in sorted(seconds.items())
    ]
    print_table(("strike", "times", "recovered in, s (median)", "most"), rows)
    raw, typed = report.raw, report.typed
    click.echo()
    print_table(
        ("topic", "accepted", "records", "lost", "doubled", "invented", "altered"),
        [
            ("raw", raw.accepted, raw.records, raw.lost, "-", raw.invented, raw.altered),
            ("typed", raw.accepted, typed.records, typed.lost, typed.doubled, typed.invented, typed.altered),
        ],
    )
    refused, unanswered, given_up = report.tries
    click.echo(
        f"\nseed {report.seed}: {raw.accepted} events accepted in {report.seconds:.0f} s; {raw.repeated} of "
        f"the raw records are repeats of another. Tries: {refused} refused, {unanswered} without an answer; "
        f"{given_up} deliveries given up. Workers that ended by themselves: {report.started_again}."
    )
    for name, ids in [*raw.examples.items(), *typed.examples.items()]:
        click.echo(f"{name}: {', '.join(ids)}, …")
    click.echo("the promise holds" if report.holds else "THE PROMISE IS BROKEN")
