"""Shows a command's results and how far it is: fine on a terminal, plain columns anywhere else."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

Row = Sequence[object]


def print_table(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Prints rows to standard output; None is shown as `-`."""
    texts = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        table = Table(*columns)
        for row in texts:
            table.add_row(*map(Text, row))  # as it is: `[x]` would be markup
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for row in ([*columns], *texts):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def progress(steps: Sequence[Any], doing: str) -> Iterable[Any]:
    """The steps; on a terminal with a progress bar on standard error while they are taken."""
    return track(steps, doing, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
