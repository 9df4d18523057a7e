"""`canvas-processors drift`: what Canvas sends that no schema says, as a table."""

from collections.abc import Iterator
from typing import Any

import click
import orjson

from bridge.contract import iso_time
from processors.catalogue import load_catalogue
from processors.drift.drift_report import DriftReport, FieldDrift, Sighting
from processors.drift.reading import ReadingRequest, read_topics, reading_options
from processors.table import print_table

FIELD_COLUMNS = ("event", "field", "kind", "seen", "share", "first seen", "last seen", "types", "example")
EVENT_COLUMNS = ("unknown event", "seen", "first seen", "last seen", "formats")


@click.command("drift")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@reading_options
def command(*, as_json: bool, events: tuple[str, ...], since: int | None, **options: Any) -> None:
    """Shows the values that no field took (`extra` of the typed records) and the events without a schema.

    Per event and place: how many records had it, their share, when the first and the last was received, which
    types it had, and one value masked (letters as a, digits as 9). A list is one place: its index is `*`.

    \b
    unknown field   no schema says it: `canvas-processors schemas propose` writes it
    does not fit    the field is there, and of another type
    has a field     a field would take it: added since, or filled from another place

    \b
    Exit status: 0 whatever is found, 1 Kafka or the registry cannot be read, 2 misuse.

    \b
    Example:
      canvas-processors drift --since 7d
    """  # noqa: D301 - click wants the character, not its escape
    report = DriftReport(load_catalogue())
    read_topics(ReadingRequest(events, since, options), report.catalogue, report)
    click.echo(orjson.dumps(_as_json(report), option=orjson.OPT_INDENT_2)) if as_json else _print(report)


def _print(report: DriftReport) -> None:
    fields = list(_fields(report))
    if fields:
        print_table(FIELD_COLUMNS, [_field_row(item) for item in fields])
    if report.unknown:
        click.echo() if fields else None
        print_table(EVENT_COLUMNS, [_event_row(item) for item in _events(report)])
    for number, what in (
        (report.other_fields, "values in further places"),
        (report.other_unknown, "records of further unknown events"),
    ):
        if number:
            click.echo(f"other: {number} {what}, more than are kept apart")
    click.echo(
        f"{report.records.total()} typed records of {len(report.records)} events; "
        f"places that no field took: {len(fields)}; unknown events: {len(report.unknown)}"
    )


def _as_json(report: DriftReport) -> dict[str, Any]:
    return {
        "records": dict(sorted(report.records.items())),
        "fields": list(_fields(report)),
        "unknown_events": list(_events(report)),
        "other": {"values": report.other_fields, "unknown_records": report.other_unknown},
    }


def _fields(report: DriftReport) -> Iterator[dict[str, Any]]:
    for (event, pointer, kind), row in sorted(report.fields.items()):
        yield {
            "event": event,
            "field": pointer,
            "kind": kind,
            **_sighting(row),
            "share": round(row.seen / report.records[event], 4),
            "types": _types(row),
            "example": row.example,
        }


def _events(report: DriftReport) -> Iterator[dict[str, Any]]:
    for name, row in sorted(report.unknown.items()):
        yield {"event": name, **_sighting(row)}


def _sighting(row: Sighting) -> dict[str, Any]:
    return {
        "seen": row.seen,
        "first_seen": None if row.first is None else iso_time(row.first),
        "last_seen": None if row.last is None else iso_time(row.last),
        "formats": sorted(row.formats),
    }


def _types(row: FieldDrift) -> list[str]:
    return sorted(kind.value for kind in row.shape.kinds)


def _field_row(item: dict[str, Any]) -> tuple[object, ...]:
    share, seen = f"{item['share']:.1%}", (item["first_seen"], item["last_seen"])
    types, example = ", ".join(item["types"]), item["example"] or None
    return (
        item["event"],
        item["field"],
        item["kind"],
        item["seen"],
        share,
        *map(_minute, seen),
        types,
        example,
    )


def _event_row(item: dict[str, Any]) -> tuple[object, ...]:
    times = map(_minute, (item["first_seen"], item["last_seen"]))
    return item["event"], item["seen"], *times, ", ".join(item["formats"])


def _minute(time: str | None) -> str | None:
    return time and f"{time[:10]} {time[11:16]}"
