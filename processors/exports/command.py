"""`canvas-processors schemas export`: an option per member of the family."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bridge.command_line import read_settings, settings_options
from bridge.settings import TopicNameSettings
from processors.catalogue import load_catalogue, schema_folder
from processors.exports import EXPORTS
from processors.exports.base import ExportRefused, Material, write
from processors.names import TopicNames


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, export in reversed(EXPORTS.items()):
        folder = click.Path(file_okay=False, path_type=Path)
        command = click.option(f"--{name}", name, type=folder, metavar="DIR", help=export.about)(command)
    return command


@click.command("export")
@_options
@settings_options(TopicNameSettings)
def export(**options: Any) -> None:
    """Writes the catalogue for other tools, each form into a folder of its own.

    The folder is new, empty, or of an earlier export, whose files are renewed; nobody else's file
    is touched.

    \b
    Example:
      canvas-processors schemas export --python src/canvas_events --avro build/avro
    """  # noqa: D301 - click wants the character, not its escape
    folders: dict[str, Path] = {name: options[name] for name in EXPORTS if options[name]}
    if not folders:
        raise click.UsageError(f"name a folder: {', '.join(f'--{name} DIR' for name in EXPORTS)}")
    names = TopicNames(read_settings(TopicNameSettings, options).topic_prefix)
    material = Material(load_catalogue(), names, schema_folder())
    for name, folder in folders.items():
        try:
            written = write(name, EXPORTS[name].files(material, folder), folder)
        except (ExportRefused, OSError, ValueError) as error:
            raise click.ClickException(f"--{name}: {error}") from None
        click.echo(f"{folder}: {written} files")
