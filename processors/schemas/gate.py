"""`canvas-processors schemas check` and `release`: the evolution gate and the released sets."""

import sys
from collections import Counter
from pathlib import Path

import click

from processors.catalogue import Schema, load_catalogue, schema_folder
from processors.schemas.complaints import complaints, shown
from processors.schemas.evolution import Verdict, judge, to_release
from processors.schemas.registration import Change
from processors.schemas.released import parse_version, read_history, schemas_of, versions, write_release
from processors.table import print_table

avro_option = click.option(
    "--avro",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=schema_folder,
    help="Folder of the schemas and the released sets [default: that of this package].",
)


@click.command("check")
@avro_option
def check(avro: Path) -> None:
    """Compares every schema with every released version of it.

    Refused is what FULL_TRANSITIVE forbids, and what consumers would notice all the same: a field or an event
    that is gone or renamed, another logical type, another default, other symbols of an enum.

    \b
    Exit status: 0 nothing is broken, 1 something is, 2 misuse.
    """  # noqa: D301 - click wants the character, not its escape
    verdicts, _ = _judged(avro)
    if not versions(avro):
        click.echo(f"{shown(avro)} has no released set: nothing to compare {len(verdicts)} schemas with")
        return
    _report(verdicts, avro)
    sys.exit(1 if _refused(verdicts) else 0)


@click.command("release")
@click.argument("version")
@avro_option
def release(version: str, avro: Path) -> None:
    """Writes released/VERSION.json: the schemas that are new or changed since the last release.

    Nothing is written where the check fails, where nothing has changed, or where VERSION is not newer than
    the last (PEP 440).

    \b
    Exit status: 0 written, 1 refused, 2 misuse.

    \b
    Example:
      canvas-processors schemas release 1.4.0
    """  # noqa: D301 - click wants the character, not its escape
    verdicts, schemas = _judged(avro)
    released = versions(avro)
    try:
        number = parse_version(version)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if released and number <= (last := max(released)):
        raise click.ClickException(f"{number} is not newer than {last}, the last release: give a higher one")
    if _refused(verdicts):
        _report(verdicts, avro)
        raise click.ClickException("nothing was written, for a broken promise holds back the release")
    if not schemas:
        raise click.ClickException(f"nothing has changed since {max(released)}: there is nothing to release")
    path = write_release(avro, number, schemas)
    _print(verdicts)
    click.echo(f"wrote {shown(path)}: {_counted(verdicts)}")


def _judged(avro: Path) -> tuple[list[Verdict], dict[str, Schema]]:
    """A verdict on every schema, and the schemas that a release would hold."""
    try:
        schemas, history = schemas_of(load_catalogue(avro)), read_history(avro)
        return judge(schemas, history), to_release(schemas, history)
    except (ValueError, StopIteration) as error:
        raise click.ClickException(str(error) or f"{avro} has no unknown.avsc") from None


def _refused(verdicts: list[Verdict]) -> bool:
    return any(verdict.change is Change.REFUSED for verdict in verdicts)


def _report(verdicts: list[Verdict], avro: Path) -> None:
    _print(verdicts)
    for complaint in complaints(verdicts, avro):
        click.echo(complaint, err=True)
    last = max(versions(avro))
    click.echo(f"{len(verdicts)} schemas, last release {last}: {_counted(verdicts)}")


def _print(verdicts: list[Verdict]) -> None:
    """A table of what is not as it was released."""
    rows = [
        (verdict.name, verdict.released, verdict.change, verdict.details or None)
        for verdict in verdicts
        if verdict.change is not Change.UNCHANGED
    ]
    if rows:
        print_table(("schema", "last released", "change", "what"), rows)


def _counted(verdicts: list[Verdict]) -> str:
    counts = Counter(verdict.change for verdict in verdicts)
    return ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
