"""Requests per second and core of the webhook, plain and signed, beside a bare handler of the same library.

    python -m tests.bench.bench_webhook [--requests 20000] [--rounds 5]

The doors are processes of their own, on the embedded engine's Kafka; each round loads all of them in turn,
with 32 and with 128 connections. What is counted is the CPU time of the door's process, all threads included:
the rate per core is its inverse, and depends less on what else the machine does than the clock on the wall.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jwt
from click import echo as say

from bridge.sandbox.engines import ENGINES
from bridge.sandbox.engines.base import EngineOptions
from bridge.sandbox.engines.ports import free_ports
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from tests.bench.bench_sqs import body
from tests.bench.load import Load, requests_of, run

CONNECTIONS: Final = (32, 128)
GOALS: Final = {"plain": 20_000, "signed": 10_000}
ISSUER: Final = "https://live-events.canvas.instructure.com"
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Door:
    """A door to be measured: its process, and what is sent to it."""

    name: str
    port: int
    pid: int
    requests: Sequence[bytes]

    def cpu_seconds(self) -> float:
        """CPU time of the process so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True, slots=True)
class Run:
    """One run: CPU per request in microseconds, and what the sender saw."""

    cpu_us: float
    load: Load


@contextmanager
def door(name: str, command: Sequence[str], requests: Sequence[bytes], **environment: str) -> Iterator[Door]:
    """Starts a door and waits until it listens. `{port}` in the command is its port."""
    (port,) = free_ports(1)
    variables = {"BRIDGE_WEBHOOK__PORT": str(port), "BRIDGE_ADMIN__PORT": "0", "LOG_LEVEL": "ERROR"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            env={**os.environ, **variables, **environment},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_listening(port, process)
            yield Door(name, port, process.pid, requests)
        finally:
            process.terminate()
            process.wait()


def _wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"the door on port {port} does not listen")


def measure(door: Door, connections: int, count: int) -> Run:
    """Loads one door."""
    before = door.cpu_seconds()
    load = run(door.port, door.requests, connections, count)
    return Run((door.cpu_seconds() - before) / count * 1e6, load)


def main() -> None:
    """Prints each run, and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=20_000, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    keys = SigningKeys.generate()
    kid, key = keys.current
    events = [body(number).encode() for number in range(200)]
    tokens = [
        jwt.api_jws.encode(signed_event(event), key, "RS256", {"kid": kid}).encode() for event in events
    ]
    webhook = (str(Path(sys.executable).with_name("canvas-bridge")), "webhook")
    with ENGINES["embedded"](EngineOptions()) as engine, JwksServer(keys) as jwks:
        os.environ.update(engine.addresses.environment())
        bare = (sys.executable, "-m", "tests.bench.bare_door", "{port}")
        signed = {"BRIDGE_WEBHOOK__ACCEPT": "signed", "BRIDGE_WEBHOOK__JWKS_URL": jwks.url}
        with (
            door("bare", bare, requests_of(events)) as one,
            door("plain", webhook, requests_of(events), BRIDGE_WEBHOOK__ACCEPT="plain") as two,
            door("signed", webhook, requests_of(tokens), **signed) as three,
        ):
            compare((one, two, three), given.requests, given.rounds)


def signed_event(event: bytes) -> bytes:
    """The event with the claim Canvas adds."""
    return event[:-1] + f',"iss":"{ISSUER}"}}'.encode()


def compare(doors: Sequence[Door], count: int, rounds: int) -> None:
    """Loads the doors in turn, round by round, and prints medians."""
    for each in doors:
        measure(each, CONNECTIONS[-1], count // 4)  # warm
    for connections in CONNECTIONS:
        runs: dict[str, list[Run]] = {each.name: [] for each in doors}
        for _ in range(rounds):
            for each in doors:
                runs[each.name].append(measure(each, connections, count))
        report(runs, connections)


def report(runs: dict[str, list[Run]], connections: int) -> None:
    """Prints medians, and the goals where they are set."""
    say(f"\n{connections} connections, medians of {len(runs['bare'])}:")
    ceiling = statistics.median(found.cpu_us for found in runs["bare"])
    for name, found in runs.items():
        cpu = statistics.median(one.cpu_us for one in found)
        rate = statistics.median(len(one.load.seconds) / one.load.wall for one in found)
        cuts = [statistics.quantiles(one.load.seconds, n=100) for one in found]
        p50, p99 = (statistics.median(cut[at] * 1000 for cut in cuts) for at in (49, 98))
        refused = sum(one.load.refused for one in found)
        goal = f", goal {GOALS[name]:,}" if name in GOALS and connections == CONNECTIONS[-1] else ""
        say(
            f"{name:7} {cpu:5.0f} us CPU = {1e6 / cpu:6,.0f} requests/s and core "
            f"({ceiling / cpu:.2f} of bare{goal}); {rate:6,.0f}/s, "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, refused {refused}"
        )


if __name__ == "__main__":
    main()
