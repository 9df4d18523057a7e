"""`canvas-bridge simulate`, Canvas in a box: a small university's events, delivered as Canvas delivers."""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

import click
import orjson
from botocore.exceptions import BotoCoreError
from rich.console import Console

from bridge.sandbox.dice import Dice
from bridge.sandbox.feed import Feed, FeedPlan, Format
from bridge.sandbox.jwks_server import JwksServer, SigningKeys, keys_of
from bridge.sandbox.live_events import LIVE_EVENTS
from bridge.sandbox.outbox import Pace, deliver
from bridge.sandbox.receipts import Receipts
from bridge.sandbox.senders import PlainWebhook, Sender, SignedWebhook, SqsQueue
from bridge.sandbox.simulate_summary import show_summary, watch
from bridge.sandbox.university import ROOT_ACCOUNT, TERM_BEGINS

JWKS_PORT: Final = 8088
SHARE = click.FloatRange(0, 1)
FILE = click.Path(dir_okay=False, path_type=Path)
PORT = click.IntRange(0, 65535)


def _addresses(_: click.Context, __: click.Parameter, urls: Sequence[str]) -> Sequence[str]:
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"{url!r} is no web address; write http://host:port/path")
    return urls


def _start(_: click.Context, __: click.Parameter, text: str | None) -> int:
    if text is None:
        return TERM_BEGINS
    try:
        moment = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 2026-03-02T08:00:00Z, or now") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _events(_: click.Context, __: click.Parameter, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in LIVE_EVENTS:
            near = ", ".join(get_close_matches(name, LIVE_EVENTS)) or "the files in avro/events"
            raise click.BadParameter(f"{name!r} is no event of Canvas's own; see {near}")
    return names


@click.command("simulate", context_settings={"show_default": True, "max_content_width": 110})
@click.option("--count", type=click.IntRange(0), default=2000, help="Events; duplicates come on top.")
@click.option("--rate", type=click.FloatRange(0), default=0.0, help="Deliveries/s; 0: as fast as answered.")
@click.option("--seed", type=int, help="The same seed, the same payloads.  [default: a random one]")
@click.option("--start", callback=_start, help="Time of the first event, or now.  [default: a fixed term]")
@click.option(
    "--format", type=click.Choice([one.value for one in Format]), default="both", help="Of the payloads."
)
@click.option(
    "--event",
    multiple=True,
    callback=_events,
    metavar="NAME",
    help="Only this; may be repeated.  [default: all]",
)
@click.option("--to", multiple=True, callback=_addresses, metavar="URL", help="A webhook; may be repeated.")
@click.option("--signed/--plain", default=True, help="How webhooks get the payload: as JWT or as JSON.")
@click.option("--jwks-port", type=PORT, help="Serve the public keys on this port of the loopback.")
@click.option("--jwks-file", type=FILE, help="Write the public keys (JWK Set) to this file.")
@click.option("--key-file", type=FILE, help="Keep the private keys in this file from run to run.")
@click.option("--serve-jwks", is_flag=True, help="Serve the public keys until stopped; deliver nothing.")
@click.option("--sqs-queue-url", metavar="URL", help="An SQS queue to deliver to.")
@click.option("--sqs-endpoint-url", metavar="URL", help="Another SQS than AWS's.")
@click.option("--duplicates", type=SHARE, default=0.02, help="Share delivered twice.")
@click.option("--disorder", type=SHARE, default=0.1, help="Share delivered late.")
@click.option("--malformed", type=SHARE, default=0.005, help="Share that is broken.")
@click.option("--unknown", type=SHARE, default=0.01, help="Share that nobody has documented.")
@click.option("--concurrency", type=click.IntRange(1), default=32, help="Deliveries at a time, per door.")
@click.option("--report", type=FILE, help="Write what was accepted to this file, as JSON.")
@click.option("--stdout", is_flag=True, help="Write the payloads as lines instead of delivering them.")
def command(**given: Any) -> None:
    """Makes the events of an invented university and delivers them as Canvas does.

    Each event goes to one of the doors given (--to, --sqs-queue-url). What is not accepted is tried again
    three times. The exit status is 1 where something was given up.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given["serve_jwks"]:
            _serve_keys(given)
        elif given["stdout"]:
            _write(_plan(given))
        else:
            sys.exit(_simulate(given))
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True, slots=True)
class _Doors:
    """The doors asked for, opened once an event loop runs."""

    given: dict[str, Any]
    keys: SigningKeys | None
    seed: int

    def open(self) -> list[Sender]:
        given = self.given
        senders: list[Sender] = []
        for place, url in enumerate(given["to"]):
            if self.keys:
                dice = Dice(f"{self.seed}/signatures/{place}")
                senders.append(SignedWebhook(url, self.keys, dice, given["concurrency"]))
            else:
                senders.append(PlainWebhook(url, given["concurrency"]))
        if given["sqs_queue_url"]:
            senders.append(SqsQueue(given["sqs_queue_url"], given["sqs_endpoint_url"]))
        return senders


def _simulate(given: dict[str, Any]) -> int:
    plan, receipts, console = _plan(given), Receipts(), Console()
    console.print(f"seed {plan.seed}, root account {ROOT_ACCOUNT.uuid}")
    interrupted = False
    with contextlib.ExitStack() as stack:
        doors = _Doors(given, _keys(given, stack) if given["to"] and given["signed"] else None, plan.seed)
        try:
            asyncio.run(_run(plan, doors, receipts, console))
        except KeyboardInterrupt:
            interrupted = True
    show_summary(receipts, console)
    if given["report"]:
        document = {"seed": plan.seed, "root_account_uuid": ROOT_ACCOUNT.uuid, **receipts.document()}
        given["report"].write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return 130 if interrupted else int(receipts.given_up.total() > 0)


async def _run(plan: FeedPlan, doors: _Doors, receipts: Receipts, console: Console) -> None:
    try:
        senders = doors.open()
    except (BotoCoreError, ValueError) as error:
        raise click.ClickException(f"SQS: {error} Set AWS_DEFAULT_REGION and AWS credentials.") from None
    watching = asyncio.create_task(watch(receipts, plan.count, console))
    try:
        pace = Pace(doors.given["rate"], doors.given["concurrency"])
        await deliver(Feed(plan), senders, pace, receipts)
    finally:
        watching.cancel()
        await asyncio.gather(watching, *(sender.close() for sender in senders), return_exceptions=True)


def _plan(given: dict[str, Any]) -> FeedPlan:
    urls, sqs = len(given["to"]), bool(given["sqs_queue_url"])
    if not urls and not sqs and not given["stdout"]:
        raise click.UsageError("Nowhere to deliver to: give --to URL, --sqs-queue-url URL or --stdout.")
    plan = FeedPlan(
        count=given["count"],
        seed=SystemRandom().randrange(10**6) if given["seed"] is None else given["seed"],
        start=given["start"],
        format=Format(given["format"]),
        events=frozenset(given["event"]),
        doors=max(1, urls + sqs),
        text_doors=frozenset({urls} if sqs else ()),
        duplicates=given["duplicates"],
        disorder=given["disorder"],
        malformed=given["malformed"],
        unknown=given["unknown"],
    )
    if not plan.names():
        raise click.UsageError(f"Caliper has no form of {', '.join(given['event'])}: give --format canvas.")
    return plan


def _keys(given: dict[str, Any], stack: contextlib.ExitStack) -> SigningKeys:
    """The keys to sign with, told to the world as long as the stack is open."""
    if given["jwks_port"] is None and not given["jwks_file"] and not given["key_file"]:
        raise click.UsageError(
            "A webhook cannot verify signatures without the public keys: give --jwks-port to serve them from "
            "here, or the --key-file of a `simulate --serve-jwks` that runs already, or --plain."
        )
    try:
        keys = keys_of(given["key_file"])
        if given["jwks_file"]:
            given["jwks_file"].write_bytes(keys.public())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"Key files: {error}") from None
    if given["jwks_port"] is not None:
        stack.enter_context(_server(keys, given["jwks_port"]))
    return keys


def _serve_keys(given: dict[str, Any]) -> None:
    port = JWKS_PORT if given["jwks_port"] is None else given["jwks_port"]
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        _keys({**given, "jwks_port": port}, stack)
        threading.Event().wait()


def _server(keys: SigningKeys, port: int) -> JwksServer:
    try:
        server = JwksServer(keys, port)
    except OSError as error:
        message = f"Port {port} for the public keys: {error.strerror}. Give another --jwks-port."
        raise click.ClickException(message) from None
    click.echo(f"public keys at {server.url}")
    return server


def _write(plan: FeedPlan) -> None:
    with contextlib.suppress(BrokenPipeError):
        for delivery in Feed(plan):
            sys.stdout.buffer.write(delivery.payload + b"\n")
        sys.stdout.flush()
