"""The end of the demo: tables a person can check by adding up."""

import json
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.json import JSON
from rich.table import Table

from bridge.sandbox.tally import Tally

TOP = 8


def show(console: Console, tally: Tally, report: dict[str, Any], duplicates: int) -> bool:
    """Prints what came out. True where the conservation line holds."""
    if tally.sample is not None:
        console.print("\n[bold]A typed record[/] of canvas.submission_created, its nulls left out:")
        console.print(JSON(json.dumps(_said(tally.sample), default=_iso)), soft_wrap=True)
    console.print(_rollup(tally))
    console.print(_outcomes(tally, report, duplicates))
    return _conservation(console, tally, report, duplicates)


def _conservation(console: Console, tally: Tally, report: dict[str, Any], duplicates: int) -> bool:
    """Accepted is what lies on the raw topic: a delivery stored but not answered in time is sent again."""
    typed, refused = tally.typed.total(), tally.dead_letters.total()
    total = typed + tally.unknown + refused + duplicates
    acknowledged, lost = int(report["accepted"]), set(report["event_ids"]) - tally.event_ids
    holds = tally.raw == total and not lost and tally.raw >= acknowledged
    colour = "green" if holds else "red"
    console.print(
        f"\n[bold {colour}]accepted {tally.raw} {'=' if tally.raw == total else '≠'} typed {typed} "
        f"+ unknown {tally.unknown} + dead-lettered {refused} + duplicates {duplicates}[/]",
        soft_wrap=True,
    )
    missing = f"{len(lost)} are" if lost else "none is"
    console.print(
        f"[{colour}]{acknowledged} deliveries were answered 2xx or taken by SQS; "
        f"of their {len(report['event_ids'])} events {missing} missing[/]",
        soft_wrap=True,
    )
    return holds


def _outcomes(tally: Tally, report: dict[str, Any], duplicates: int) -> Table:
    table = Table(title="What came of it", title_justify="left")
    table.add_column("outcome")
    table.add_column("event, reason or door")
    table.add_column("events", justify="right")
    for door, count in report["accepted_by_door"].items():
        table.add_row("accepted", "sqs" if "canvas-live-events" in door else "webhook", str(count))
    for name, count in sorted(tally.typed.items()):
        table.add_row("typed", f"canvas.{name}", str(count))
    table.add_row("unknown", "canvas.unknown", str(tally.unknown))
    for reason, count in sorted(tally.dead_letters.items()):
        table.add_row("dead-lettered", reason, str(count))
    table.add_row("duplicates dropped", "", str(duplicates))
    return table


def _said(value: Any) -> Any:
    """The value without nulls and without what is empty."""
    if not isinstance(value, dict):
        return value
    return {name: _said(item) for name, item in value.items() if item not in (None, {}, [])}


def _iso(value: Any) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def _rollup(tally: Tally) -> Table:
    title = f"canvas.rollup.course_progress: the furthest of each course, of {len(tally.rollup)} windows"
    table = Table(title=title, title_justify="left")
    for name in ("course", "learner", "day", "requirements"):
        table.add_column(name, no_wrap=True)
    windows = sorted(tally.rollup.values(), key=lambda window: window["percent"] or 0)
    furthest = {window["course_id"]: window for window in windows}
    for window in sorted(furthest.values(), key=lambda window: -(window["percent"] or 0))[:TOP]:
        done = f"{window['requirement_completed_count']} of {window['requirement_count']}"
        day = f"{window['window_start']:%Y-%m-%d}"
        table.add_row(window["course_id"], window["user_id"], day, done)
    return table
