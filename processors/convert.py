"""`canvas-processors convert`: the stages of the worker on files, without any server."""

import base64
import binascii
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import click
import orjson

from bridge.command_line import read_settings, settings_options
from bridge.contract import EVENT_NAME, Headers, RawEvent, iso_time
from bridge.identity import event_id
from processors.catalogue import EventType, load_catalogue
from processors.failures import Failure
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.plain_json import plain_json
from processors.privacy.configured import configured_protection
from processors.records import CanonicalEvent, Outcome
from processors.settings import PrivacySettings
from processors.values import Misfit, Notes, read_time


@click.command("convert")
@click.argument("files", metavar="[FILE|-]...", nargs=-1, type=click.File("rb"))
@click.option("--event-name", help="What SQS gives as the attribute event_name; needed for no format.")
@click.option("--received-at", help="ISO 8601 time of receipt [default: now].")
@settings_options(PrivacySettings)
def command(
    files: tuple[BinaryIO, ...], event_name: str | None, received_at: str | None, **options: Any
) -> None:
    """Converts events offline and prints one JSON object per event.

    A FILE holds one event, several as JSON lines, or the body of a signed delivery (a JWT, bare or quoted;
    its signature is NOT verified). `-`, or no FILE at all, reads standard input. The bytes are taken as they
    are: the doors mask secrets in URLs before, so that such an event has another event_id in Kafka.

    \b
    Exit status: 0 nothing was dead-lettered, 1 something was, 2 misuse.

    \b
    Example:
      canvas-processors convert delivery.json | jq .record
    """  # noqa: D301 - \b tells click to keep the lines
    received = _milliseconds(received_at)
    headers: Headers = ((EVENT_NAME, event_name.encode()),) if event_name else ()
    catalogue = load_catalogue()
    try:
        protection = configured_protection(read_settings(PrivacySettings, options), catalogue)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    pipeline = Pipeline(catalogue, FanOut(catalogue, TopicNames(), defaultdict(int)), protection)
    refused = 0
    for file in files or (sys.stdin.buffer,):
        source = getattr(file, "name", "<stdin>").replace("<stdin>", "-")
        for value in deliveries(file.read(), source):
            raw = RawEvent(value, event_id(value).encode(), headers, received)
            for outcome in pipeline.run(raw):
                refused += outcome.failure is not None
                line = {"source": source, **describe(outcome, catalogue.events, catalogue.unknown)}
                click.echo(orjson.dumps(line))
    sys.exit(1 if refused else 0)


def deliveries(content: bytes, source: str) -> Iterator[bytes]:
    """The deliveries in one file: JSON lines, a token's payload, or the whole content as one delivery."""
    token = content.strip().strip(b'"')
    if token.startswith(b"eyJ") and token.count(b".") == 2:
        click.echo(f"{source}: a signed delivery; its signature is not verified here", err=True)
        yield _token_payload(token)
        return
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > 1 and _is_object(lines[0]):
        yield from lines
    else:
        yield content


def describe(outcome: Outcome, events: Mapping[str, EventType], unknown: EventType) -> dict[str, Any]:
    """One outcome as plain JSON: what came out, where it would go, and the record or the reason."""
    outgoing, event = outcome.outgoing, outcome.event
    key = outgoing.key.decode() if outgoing.key else None
    where = {"topic": outgoing.topic, "key": key}
    if event is None:
        return {
            "outcome": "dead_letter",
            "event_id": key,
            "event_time": None,
            **_why(outcome.failure),
            **where,
        }
    kind = "record" if event.event_name else "unknown"
    event_type = events[event.event_name] if event.event_name else unknown
    return {"outcome": kind, **_head(event), **where, "record": plain_json(event_type.schema, event.record)}


def _head(event: CanonicalEvent) -> dict[str, Any]:
    time_of_event = event.record["event_time"]
    return {
        "event_name": event.record["event_name"],
        "event_id": event.event_id,
        "event_time": None if time_of_event is None else iso_time(time_of_event),
    }


def _why(failure: Failure | None) -> dict[str, Any]:
    names = ("event_name", "stage", "reason", "message", "field")
    return {name: getattr(failure, name) for name in names}


def _milliseconds(text: str | None) -> int:
    if text is None:
        return int(time.time() * 1000)
    try:
        return read_time(text, "", Notes())
    except Misfit:
        raise click.BadParameter(
            "must be ISO 8601 with a zone, like 2026-03-01T09:30:00Z", param_hint="--received-at"
        ) from None


def _token_payload(token: bytes) -> bytes:
    segment = token.split(b".")[1]
    try:
        return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error:
        return token


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
