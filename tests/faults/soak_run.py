"""Carries a plan out on a chain, waits until everything is processed, and asks the oracles."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Final

import click
from confluent_kafka import Message

from tests.faults.chain import PREFIX, Chain
from tests.faults.oracle import everything_in
from tests.faults.plan import Step
from tests.faults.recovery import Probe
from tests.faults.soak_report import Recovered, Report
from tests.faults.strikes import STRIKES
from tests.faults.typed_oracle import TypedOracle
from tests.integration.door_process import PATIENCE, wait_for

PROBED: Final = "logged_in"
PROGRESS_SECONDS: Final = 10.0
TICK_SECONDS: Final = 0.25


class Soak:
    """One run. `began`: its monotonic time."""

    def __init__(self, chain: Chain, began: float, seed: int) -> None:
        self._chain = chain
        self._began = began
        self._seed = seed
        self._recovered: list[Recovered] = []
        self._said = 0.0

    def run(self, steps: Sequence[Step], seconds: float, events: int) -> Report:
        """Strikes by the plan, for so long and until so many events are accepted."""
        begun = time.monotonic()

        def enough() -> bool:
            return self._accepted >= events and time.monotonic() - begun > seconds

        for number, step in enumerate(steps, 1):
            if enough():
                break
            self._pass(step.pause)
            self._strike(number, step)
        self._until(enough)
        self._finish()
        return self._judge(time.monotonic() - begun)

    @property
    def _accepted(self) -> int:
        return self._chain.ledger.accepted.total()

    def _strike(self, number: int, step: Step) -> None:
        chain = self._chain
        # Without Kafka the other strikes would wait for what cannot come: it goes last and is back first.
        strikes = sorted((STRIKES[name] for name in step.names), key=lambda strike: strike.target == "broker")
        self._say(f"{number}. {' + '.join(step.names)}")
        for strike in strikes:
            strike.begin(chain)
        self._pass(step.hold)
        for strike in reversed(strikes):
            strike.mend(chain)
        mended = time.monotonic()
        site = chain.sites["webhook"]
        seed = -1 - number - 1000 * self._seed
        Probe(chain.load, site.servers, f"{PREFIX}{PROBED}", seed, event=PROBED).wait()
        wait_for(lambda: chain.spooled == 0, "an empty spool")
        self._recovered.append(Recovered(step.names, time.monotonic() - mended))
        self._say(f"recovered from {' + '.join(step.names)} in {self._recovered[-1].seconds:.1f} s")
        wait_for(self._all_ready, "readiness of all workers")

    def _all_ready(self) -> bool:
        crew = self._chain.crew
        return all(crew.one(name).get("/healthz/ready") == "ok\n" for name in crew.names)

    def _finish(self) -> None:
        """The load ends first; each part once nothing waits behind it."""
        chain = self._chain
        chain.load.stop()
        self._say("the load has ended")
        for name, site in chain.sites.items():
            wait_for(lambda site=site: site.spooled() == 0, f"an empty spool of {name}")  # type: ignore[misc]
        wait_for(lambda: chain.sites["sqs"].queue.left() == 0, "an empty queue")
        for site in chain.sites.values():
            assert site.door.stop() == 0, site.door.log()
        self._until_processed()
        chain.crew.scale(0)
        self._say("everything is processed")

    def _until_processed(self) -> None:
        """As long as it goes on: nobody knows how much is left."""
        chain, end = self._chain, time.monotonic() + PATIENCE
        left = chain.behind
        while (behind := chain.behind) != 0:
            if behind < 0 or behind < left:
                left, end = behind, time.monotonic() + PATIENCE
            assert time.monotonic() < end, f"{behind} raw records are not processed, and none is any more"
            self._pass(TICK_SECONDS)

    def _judge(self, seconds: float) -> Report:
        chain, path = self._chain, self._chain.ledger.path
        chain.ledger.flush()
        with closing(TypedOracle(path, PREFIX, chain.registry_url)) as typed:

            def raw(messages: list[Message]) -> None:
                chain.oracle.see(messages)
                typed.expect(messages)

            self._read([f"{PREFIX}raw"], raw)
            self._read(typed.topics, typed.see)
            self._say("comparing")
            verdicts = chain.oracle.verdict(), typed.verdict()
        ledger, again = chain.ledger, chain.crew.started_again
        tries = ledger.tries(answered=True), ledger.tries(answered=False), ledger.given_up.total()
        return Report(self._seed, seconds, *verdicts, self._recovered, tries, again)

    def _read(self, topics: Sequence[str], see: Callable[[list[Message]], None]) -> None:
        seen = 0
        with everything_in(self._chain.engine.addresses.kafka_bootstrap_servers, topics) as batches:
            for messages in _with_any(batches):
                see(messages)
                seen += len(messages)
                self._say_sometimes(f"the oracle has read {seen} records of {topics[0]}, …")

    def _pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._until(lambda: time.monotonic() >= end)

    def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._chain.load.check()
            self._say_sometimes("")
            time.sleep(TICK_SECONDS)

    def _say_sometimes(self, what: str) -> None:
        if time.monotonic() - self._said > PROGRESS_SECONDS:
            self._said = time.monotonic()
            crew = self._chain.crew
            state = f"{self._accepted} accepted, {len(crew.names)} workers, spool {self._chain.spooled:.0f}"
            self._say(what or state)

    def _say(self, what: str) -> None:
        click.echo(f"{time.monotonic() - self._began:6.0f} s  {what}", err=True)


def _with_any(batches: Iterable[list[Message]]) -> Iterable[list[Message]]:
    return (messages for messages in batches if messages)
