"""What a person sees of a simulation: how far it is, and at the end what became of it."""

import asyncio
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bridge.sandbox.receipts import Receipts

LINE_EVERY_SECONDS: Final = 5.0


async def watch(receipts: Receipts, count: int, console: Console) -> None:
    """Shows progress until cancelled: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_EVERY_SECONDS)
            console.print(f"{receipts.finished} of {count + receipts.repeats} deliveries answered")
    columns = (
        TextColumn("delivering"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[trouble]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=count, trouble="")
        while True:
            refused = receipts.refused.total()
            trouble = f"{refused} tries refused" if refused else ""
            total = count + receipts.repeats
            progress.update(task, completed=receipts.finished, total=total, trouble=trouble)
            await asyncio.sleep(0.1)


def show_summary(receipts: Receipts, console: Console) -> None:
    """The doors' answers, and what the accepted deliveries were."""
    doors = Table("door", title="Deliveries", title_justify="left")
    for heading in ("sent", "accepted", "given up"):
        doors.add_column(heading, justify="right")
    for door, sent in receipts.sent.items():
        doors.add_row(door, str(sent), str(receipts.accepted[door]), str(receipts.given_up[door]))
    console.print(doors)
    for (door, status), tries in sorted(receipts.refused.items()):
        console.print(f"{door}: {tries} tries refused with {status}")
    console.print(
        f"accepted {receipts.accepted.total()} = {receipts.by_event_name.total()} events "
        f"+ {receipts.unknown} unknown + {receipts.malformed.total()} malformed "
        f"+ {receipts.duplicates} duplicates"
    )
