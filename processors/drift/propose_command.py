"""`canvas-processors schemas propose`: writes what drift has shown into the schemas."""

from difflib import unified_diff
from pathlib import Path
from typing import Any

import click

from processors.catalogue import Catalogue, load_catalogue
from processors.drift.observations import Observations
from processors.drift.proposal import Added, Proposal, propose
from processors.drift.reading import ReadingRequest, read_topics, reading_options
from processors.drift.schema_text import Texts

DEFAULT_FOLDER = Path("avro")


@click.command("propose")
@click.option(
    "--avro",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the schemas: events/, types/, unknown.avsc [default: ./avro].",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show the changes as a diff.")
@reading_options
def command(
    *, folder: Path | None, dry_run: bool, events: tuple[str, ...], since: int | None, **options: Any
) -> None:
    """Writes a nullable field for every unknown field of the typed records, a schema for unknown events.

    Type, id and pii follow from what was seen: review them, and write what the field means in place of
    "Observed, not documented". A field that is there is never changed. What cannot be proposed is said, with
    the reason. Run again on the same records, it changes nothing.

    \b
    Exit status: 0 whatever was found, 1 Kafka, the registry or the folder cannot be read, 2 misuse.

    \b
    Example:
      canvas-processors schemas propose --event course_updated --since 7d --dry-run
    """  # noqa: D301 - click wants the character, not its escape
    folder = folder or _default_folder()
    observations = Observations(_load(folder))
    read_topics(ReadingRequest(events, since, options), observations.catalogue, observations)
    before = read_texts(folder)
    proposal = propose(before, observations)
    for file, text in sorted(proposal.texts.items()):
        if dry_run:
            click.echo("".join(_diff(file, before.get(file, ""), text)))
        else:
            (folder / file).write_text(text, "utf-8")
    _report(proposal, before, folder, dry_run=dry_run)


def read_texts(folder: Path) -> dict[str, str]:
    """The files that a proposal may change, by their names in the folder."""
    paths = sorted([*folder.glob("events/*.avsc"), *folder.glob("types/*.avsc"), folder / "unknown.avsc"])
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}


def _default_folder() -> Path:
    if not DEFAULT_FOLDER.is_dir():
        raise click.UsageError(
            "there is no folder ./avro: give as --avro the folder with your schemas, or a copy of this "
            "project's avro/"
        )
    return DEFAULT_FOLDER


def _load(folder: Path) -> Catalogue:
    try:
        catalogue = load_catalogue(folder)
    except (ValueError, OSError, StopIteration) as error:
        raise click.ClickException(f"{folder} holds no catalogue of schemas: {error}") from None
    if not catalogue.events:
        raise click.ClickException(f"{folder}/events holds no schema: give the folder with your schemas")
    return catalogue


def _report(proposal: Proposal, before: Texts, folder: Path, *, dry_run: bool) -> None:
    for file in sorted({added.file for added in proposal.added}):
        fields = [added for added in proposal.added if added.file == file]
        new = "" if file in before else "new, "
        click.echo(f"{folder / file}: {new}{_counted(len(fields), 'field')}")
        for added in fields:
            click.echo(f"  {added.field}: {added.type}{_remarks(added)}")
    for left in proposal.left:
        click.echo(f"left to you: {left.event} {left.field}".rstrip() + f": {left.reason}")
    changed = proposal.texts.keys() & before.keys()
    click.echo(
        f"{_counted(len(proposal.added), 'field')}: {_counted(len(changed), 'file')} changed, "
        f"{len(proposal.texts) - len(changed)} new; {len(proposal.left)} left to you"
        + ("; dry run, nothing was written" if dry_run and proposal.texts else "")
    )
    if proposal.texts and not dry_run:
        click.echo(
            "Next: review each, write its doc, add a sample to tests/events/, then `make expected contract "
            "docs`, `canvas-processors topics create` and `canvas-processors schemas register`."
        )


def _remarks(added: Added) -> str:
    return f" (stays in `extra`: {'; '.join(added.remarks)})" if added.remarks else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _diff(file: str, before: str, after: str) -> list[str]:
    lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return list(unified_diff(*lines, f"a/{file}" if before else "/dev/null", f"b/{file}"))
