"""The matrix as a table."""

from collections.abc import Sequence
from typing import Final

from processors.table import print_table
from tests.faults.trial import Row

COLUMNS: Final = (
    "fault",
    "accepted",
    "lost",
    "invented",
    "altered",
    "duplicated",
    "refused",
    "no answer",
    "given up",
    "recovered, s",
)


def show(rows: Sequence[Row]) -> None:
    """Prints a row for each fault.

    Accepted, lost, invented, altered and duplicated are events; refused and no answer are tries, most of them
    tried again with success; given up are deliveries that no try of four brought in.
    """
    print_table(COLUMNS, [cells(row) for row in rows])


def cells(row: Row) -> list[object]:
    """One row."""
    found = row.verdict
    events = (found.accepted, found.lost, found.invented, found.altered, found.repeated)
    return [row.fault, *events, row.refused, row.unanswered, row.given_up, f"{row.seconds:.1f}"]
