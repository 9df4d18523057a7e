"""`canvas-bridge spool leaving`: for a hook that must not let go of a pod whose spool is not empty."""

import socket
import time
from collections.abc import Iterable
from typing import Final

import click
import orjson

from bridge.check.fetch import NoAnswer, get

ADMIN_PORT: Final = 9090
LOOK_SECONDS: Final = 2.0
# What a resolver says of a name that is none, or has no address. Everything else it may say is trouble.
_NOBODY: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


@click.command(
    "leaving",
    help="Asks webhooks that are to end, at /status, what waits in their spools. Status 0: nothing.",
)
@click.option("--service", required=True, metavar="NAME", help="A name with the address of every webhook.")
@click.option(
    "--stays", multiple=True, metavar="NAME", help="The name of one that stays and is not asked; repeatable."
)
@click.option("--port", default=ADMIN_PORT, show_default=True, help="The admin port.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Waits so long for them to become empty.")
def leaving(service: str, stays: tuple[str, ...], port: int, wait: float) -> None:
    """Exit status 0 where nothing waits, or nobody leaves; 1 where something does, or cannot be told."""
    end = time.monotonic() + wait
    reasons = _reasons_to_stay(service, stays, port)
    while reasons and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        reasons = _reasons_to_stay(service, stays, port)
    for reason in reasons:
        click.echo(reason, err=True)
    if reasons:
        raise SystemExit(1)
    click.echo("nothing waits in a spool that leaves")


def _reasons_to_stay(service: str, stays: Iterable[str], port: int) -> list[str]:
    try:
        leave = addresses(service) - {address for name in stays for address in addresses(name)}
    except OSError as error:
        return [f"who leaves cannot be told: {error}"]
    return [reason for address in sorted(leave) if (reason := _reason(address, port))]


def addresses(name: str) -> set[str]:
    """All addresses of a name; none where there is no such name. Raises OSError where the resolver fails."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NOBODY:
            return set()
        raise
    return {str(address[0]) for *_, address in found}


def _reason(address: str, port: int) -> str:
    """Why this one must stay; empty where it may go."""
    host = f"[{address}]" if ":" in address else address
    try:
        status = orjson.loads(get(f"http://{host}:{port}/status").content)
        spool = status.get("spool", {})
        records = int(spool["records"]) if spool else 0
    except (NoAnswer, orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        return f"{address}: what waits in its spool cannot be told ({error or type(error).__name__})"
    if not records:
        return ""
    away = ", and Kafka is away" if spool.get("kafka_away") else ""
    return f"{address}: {records} records wait in its spool{away}. They must reach Kafka before it ends."
