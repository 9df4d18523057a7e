"""`canvas-processors dead-letter replay`: letters that can be converted now go into their typed topics.

The tool runs the worker's own stages over the letter's bytes, patched where that is asked for, and writes
what comes out straight into the typed topics: with the original event_id, time of receipt and lineage
(`canvas.raw`), and with `canvas.replayed.from`, `.at` and `.patch`. How an event is kept from being written
twice, and why it does not go through the raw topic, is told in processors/replay/replay.py. The letter
itself stays where it is until it expires.
"""

import sys
from pathlib import Path
from typing import Any

import click

from bridge.command_line import read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings, SchemaRegistrySettings
from bridge.telemetry import configure_logging
from processors.dead_letters.mending import Mending
from processors.dead_letters.patch import Patch
from processors.dead_letters.patch_file import read_patch
from processors.dead_letters.selection import select, selection_options
from processors.replay.reading import Span
from processors.replay.replay import Source
from processors.replay.report import Report
from processors.replay.run import Manner, run_replay
from processors.replay.settings import ReplaySettings
from processors.replay.stages import configured_stages
from processors.settings import PrivacySettings
from processors.worker.client_logs import quieten


@click.command("replay")
@click.option("--dry-run", is_flag=True, help="Write nothing; show for each letter what would come out.")
@click.option(
    "--patch",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rules (TOML) that change deliveries before they are converted.",
)
@click.option("--unmasked", is_flag=True, help="Show values as they are. They hold personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
@selection_options
@settings_options(ReplaySettings, KafkaSettings, SchemaRegistrySettings, PrivacySettings, LogSettings)
def replay(*, dry_run: bool, file: Path | None, unmasked: bool, as_json: bool, **options: Any) -> None:
    """Converts dead letters again, after a fix or with patch rules, and writes what comes out.

    A record goes into its typed topic with its original event_id and time of receipt. Events that are there
    already are skipped, so a replay can be run again, also after it was killed. A letter that still fails
    stays as it is. The privacy policy applies as in the worker: give this command the same settings.

    Of two replays of a group at the same time the first is shut out. The topics are read from the earliest
    time of receipt on: narrow a large selection with --from and --to. An event older than its topic keeps
    records is not written: Kafka would delete it at once.

    \b
    Exit status: 0 every letter is replayed or was before, 1 some are not or Kafka is away, 2 misuse.

    \b
    Example:
      canvas-processors dead-letter replay --fingerprint 3f6c0a91 --dry-run
      canvas-processors dead-letter replay --fingerprint 3f6c0a91 --patch mend/grades.toml
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    quieten()
    selection, patch = select(options), _patch(file)
    stages = configured_stages(options)
    mending = Mending(stages.catalogue, stages.pipeline, selection, patch, unmasked)
    window = read_settings(ReplaySettings, options).duplicate_window_seconds * 1000
    source = Source(
        stages.names.dead_letter,
        Span(selection.since, selection.until),
        mending.redeliver,
        look_back=window,
    )
    report = Report(stages.catalogue, dry_run=dry_run, unmasked=unmasked)
    manner = Manner(" of dead letters", dry_run, tells=dry_run, as_json=as_json)
    sys.exit(run_replay(source, report, manner, options))


def _patch(file: Path | None) -> Patch | None:
    try:
        return read_patch(file) if file else None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--patch: {error}") from None
