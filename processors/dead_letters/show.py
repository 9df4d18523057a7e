"""One dead letter, told in full."""

from typing import Any

import click
import orjson

from bridge.contract import iso_time
from processors.dead_letters.letters import DeadLetter
from processors.dead_letters.remedies import remedy


def as_json(letter: DeadLetter, *, unmasked: bool) -> dict[str, Any]:
    """Everything there is to know about the letter."""
    return {
        **row(letter),
        "raw": str(letter.raw.position) if letter.raw.position else None,
        "stage": letter.stage,
        "message": letter.message,
        "remedy": remedy(letter.reason),
        "headers": {name: _text(value) for name, value in letter.raw.headers},
        "payload": letter.payload(unmasked=unmasked),
    }


def row(letter: DeadLetter) -> dict[str, Any]:
    """What tells letters apart."""
    return {
        "letter": str(letter.position),
        "received_at": iso_time(letter.raw.received_at),
        "event_id": letter.event_id,
        "event": letter.event_name,
        "reason": letter.reason,
        "field": letter.field,
        "fingerprint": letter.fingerprint,
    }


def print_letter(letter: DeadLetter, *, unmasked: bool) -> None:
    """The same for people."""
    told = as_json(letter, unmasked=unmasked)
    payload, headers = told.pop("payload"), told.pop("headers")
    for name, value in told.items():
        click.echo(f"{name.replace('_', ' '):<13}{'-' if value is None else value}")
    for title, (name, value) in zip(["headers"] + [""] * len(headers), headers.items(), strict=False):
        click.echo(f"{title:<13}{name}: {value}")
    about = "" if unmasked else " masked: letters as a, digits as 9; --unmasked shows it"
    click.echo(f"{'payload':<13}{len(letter.raw.value)} bytes{about and ','}{about}")
    click.echo(orjson.dumps(payload, option=orjson.OPT_INDENT_2))


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else ascii(text)
