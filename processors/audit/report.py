"""An audit's findings for people, as tables and lines, and for machines, as JSON."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import click

from bridge.contract import Position, iso_time
from processors.audit.findings import Doubled, Fate, Findings
from processors.table import print_table

_LISTS: Final = {
    "missing": "processed, and nothing came of it",
    "doubled": "more than once where once is right",
    "invented": "comes of no raw record",
}


def print_findings(found: Findings) -> None:
    """A table by hour, what does not fit, and the sum."""
    rows: list[tuple[object, ...]] = [
        (f"{iso_time(hour)[:10]} {iso_time(hour)[11:16]}", counts.total(), *(counts[fate] for fate in Fate))
        for hour, counts in sorted(found.hours.items())
    ]
    totals = found.totals
    rows.append(("all", totals.total(), *(totals[fate] for fate in Fate)))
    print_table(("hour", "raw", *Fate), rows)
    _print_lists(found)
    told = " + ".join(f"{totals[fate]} {fate}" for fate in Fate if totals[fate]) or "0"
    wrong = ", ".join(f"{found.numbers[name]} {name}" for name in _LISTS if found.numbers[name])
    verdict = f"it does not add up: {wrong}" if wrong else "it adds up"
    click.echo(f"{totals.total()} raw = {told}; {verdict}")


def _print_lists(found: Findings) -> None:
    for missing in found.missing:
        click.echo(
            f"missing: {missing.event_id} at {missing.position}, received {iso_time(missing.received_at)}"
        )
    for doubled in found.doubled:
        click.echo(f"doubled {doubled.kind}: {doubled.event_id} at {_places(doubled)}")
    for invented in found.invented:
        lineage = invented.lineage or "no lineage"
        click.echo(f"invented {invented.kind}: {invented.event_id} at {invented.position}, {lineage}")
    for name, about in _LISTS.items():
        more = found.numbers[name] - len(getattr(found, name))
        if more > 0:
            click.echo(f"{name}: {more} more ({about}); --limit names them")
    if found.numbers["beyond_window"]:
        example = found.beyond_window[0].event_id if found.beyond_window else "none named"
        click.echo(
            f"repeats beyond the window: {found.numbers['beyond_window']} events are typed again, for "
            f"they came again after PROCESSORS_DUPLICATE_WINDOW_SECONDS (for example {example})"
        )
    if found.raw_expired:
        click.echo(f"raw expired: {found.raw_expired} records, not checked")


def as_json(found: Findings) -> dict[str, Any]:
    """Everything, times in ISO 8601."""
    return {
        "adds_up": found.adds_up,
        **_counts(found.totals),
        "hours": [
            {"hour": iso_time(hour), **_counts(counts)} for hour, counts in sorted(found.hours.items())
        ],
        "records": {kind.value: number for kind, number in found.records.items()},
        "missing": {
            "number": found.numbers["missing"],
            "named": [
                {
                    "event_id": item.event_id,
                    "position": str(item.position),
                    "received_at": iso_time(item.received_at),
                }
                for item in found.missing
            ],
        },
        "doubled": _doubled(found.numbers["doubled"], found.doubled),
        "invented": {
            "number": found.numbers["invented"],
            "named": [
                {
                    "event_id": item.event_id,
                    "kind": item.kind,
                    "position": str(item.position),
                    "lineage": item.lineage,
                }
                for item in found.invented
            ],
        },
        "beyond_window": _doubled(found.numbers["beyond_window"], found.beyond_window),
        "raw_expired": found.raw_expired,
    }


def _counts(counts: Counter[Fate]) -> dict[str, int]:
    return {"raw": counts.total()} | {fate.name.lower(): counts[fate] for fate in Fate}


def _doubled(number: int, items: Iterable[Doubled]) -> dict[str, Any]:
    named = [
        {"event_id": item.event_id, "kind": item.kind, "positions": [str(place) for place in item.positions]}
        for item in items
    ]
    return {"number": number, "named": named}


def _places(doubled: Doubled) -> str:
    shown: tuple[Position, ...] = doubled.positions[:3]
    more = len(doubled.positions) - len(shown)
    return ", ".join(map(str, shown)) + (f" and {more} more" if more else "")
