"""`canvas-processors audit`: whether everything that came in came out, once."""

import sys
from typing import Any, Final

import click
import orjson

from bridge.command_line import read_settings, settings_options
from bridge.settings import KafkaSettings, LogSettings
from bridge.telemetry import configure_logging
from processors.audit.reading import Audit, Question
from processors.audit.report import as_json, print_findings
from processors.catalogue import load_catalogue
from processors.replay.reading import Span
from processors.settings import WindowSettings
from processors.topics.point_in_time import PointInTime

_TIME: Final[dict[str, Any]] = {"type": PointInTime(), "metavar": "TIME"}


@click.command("audit", short_help="Whether everything that came in came out, once.")
@click.option("--json", "wants_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True, help="Ids named of each kind."
)
@click.option(
    "--from", "since", help="Only what was received since: ISO 8601 with a zone, or 30m, 12h, 7d.", **_TIME
)
@click.option("--to", "until", help="Only what was received before.", **_TIME)
@settings_options(WindowSettings, KafkaSettings, LogSettings)
def command(*, wants_json: bool, limit: int, since: int | None, until: int | None, **options: Any) -> None:
    """Reads the raw topic and all that came of it, and checks by event_id and by hour that the sum is right.

    raw = typed + unknown + replayed + dead-lettered + duplicates. Each raw record counts once, by the first
    of these that is true of it. What the workers have not committed when the audit begins is not yet
    processed; they may go on meanwhile.

    \b
    missing          processed, no repeat, and nothing came of it
    doubled          an event_id twice in the typed topics, in canvas.unknown, or as a dead letter
    invented         a record of ours without a raw record, where raw records have not expired
    repeat beyond    typed again, because the repeat came after PROCESSORS_DUPLICATE_WINDOW_SECONDS
    raw expired      the raw topic keeps its record no longer: not checked
    too old to tell  older than a topic of ours keeps its records: what came of it may have expired

    It changes nothing, joins no group, and needs about 250 bytes of temporary disk for an event.

    \b
    Exit status: 0 it adds up, 1 it does not or Kafka is away, 2 misuse.

    \b
    Example:
      canvas-processors audit --from 24h
    """  # noqa: D301 - click wants the character, not its escape
    configure_logging(read_settings(LogSettings, options))
    workers = read_settings(WindowSettings, options)
    window = workers.duplicate_window_seconds * 1000
    kafka = read_settings(KafkaSettings, options)
    question = Question(kafka, workers.group_id, window, Span(since, until), limit)
    found = Audit(question, load_catalogue()).run()
    if wants_json:
        click.echo(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2))
    else:
        print_findings(found)
    sys.exit(0 if found.adds_up else 1)
