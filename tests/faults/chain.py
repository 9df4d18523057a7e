"""The whole chain on a real engine: two doors, one to four workers, a registry; all under one load."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from confluent_kafka import Consumer

from bridge.sandbox.dice import Dice
from bridge.sandbox.engines.processes import ProcessesEngine
from bridge.sandbox.feed import FeedPlan
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from bridge.sandbox.senders import PlainWebhook, Sender, SignedWebhook, SqsQueue
from tests.faults.base import Setup, Site
from tests.faults.ledger import Ledger
from tests.faults.load import ENDLESS, Load, LoadPlan
from tests.faults.oracle import RawOracle
from tests.faults.proxy import Proxy
from tests.faults.trial import queue_of
from tests.integration.door_process import DoorProcess
from tests.integration.worker_process import Stream, WorkerProcess

PREFIX: Final = "soak."
MOST_WORKERS: Final = 4
CONNECTIONS: Final = 16  # of each sender, so of as many doors as the feed has
# Of ten deliveries seven are plain, one is signed, two go to the queue: signing is dear for the sender.
PLAIN, SIGNED, QUEUED = 7, 1, 2
DOORS: Final = PLAIN + SIGNED + QUEUED
KEEP_SECONDS: Final = 0.5


class QuietStream(Stream):
    """A stream whose watcher does not tell of a Kafka that is away: that is what this is about."""

    @cached_property
    def _watcher(self) -> Consumer:
        config = {"group.id": self.group, "isolation.level": "read_uncommitted", "log_level": 0}
        return Consumer({"bootstrap.servers": self.servers, **config})


class Worker(WorkerProcess):
    """A worker that can be frozen."""

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended; a frozen one has not."""
        return self._process is not None and self.ended() is None

    @property
    def ran(self) -> bool:
        """Whether it has ever begun."""
        return self._process is not None

    def pause(self) -> None:
        """SIGSTOP."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Crew:
    """The workers. One that is wanted and has ended by itself is started again, as Kubernetes does."""

    def __init__(self, stream: Stream, folder: Path) -> None:
        own = {"PROCESSORS_ROLLUPS": "false"}
        self._workers = {
            name: Worker({**stream.environment, **own, "PROCESSORS_INSTANCE_ID": name}, folder / name)
            for name in (f"worker-{number}" for number in range(1, MOST_WORKERS + 1))
        }
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="crew", daemon=True)
        self.started_again = 0

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._keeper.join()
        for worker in self._workers.values():
            worker.kill()

    @property
    def names(self) -> list[str]:
        """Of those that are wanted."""
        with self._lock:
            return sorted(self._wanted)

    def one(self, name: str) -> Worker:
        """The worker of that name."""
        return self._workers[name]

    def release(self, name: str) -> Worker:
        """From now on nobody starts it again."""
        with self._lock:
            self._wanted.discard(name)
        return self._workers[name]

    def want(self, name: str) -> None:
        """Starts it, and keeps it."""
        with self._lock:
            if not self._workers[name].running:
                self._workers[name].start()
            self._wanted.add(name)

    def scale(self, number: int) -> None:
        """So many workers; those too many end in good order."""
        names = list(self._workers)
        for name in names[:number]:
            if name not in self.names:
                self.want(name)
        for name in names[number:]:
            if name in self.names:
                worker = self.release(name)
                assert worker.stop() == 0, worker.log()

    def logs(self) -> str:
        """Of all, those that have any."""
        return "".join(worker.log() for worker in self._workers.values() if worker.ran)

    def _keep(self) -> None:
        while not self._closing.wait(KEEP_SECONDS):
            with self._lock:
                for name in self._wanted:
                    if self._workers[name].ended() is not None:
                        self._workers[name].start()
                        self.started_again += 1


@dataclass
class Chain:
    """What a strike may hit. `sites`: the doors, as the faults of a door know them. `dice`: of the plan."""

    engine: ProcessesEngine
    stream: Stream
    registry: Proxy
    registry_url: str
    sites: dict[str, Site]
    ledger: Ledger
    oracle: RawOracle
    dice: Dice
    crew: Crew = field(init=False)

    @property
    def load(self) -> Load:
        """The one load of both doors."""
        return self.sites["webhook"].load

    @property
    def spooled(self) -> float:
        """Records in the webhook's spool."""
        return self.sites["webhook"].spooled()

    @property
    def behind(self) -> int:
        """Raw records that no worker has committed yet; -1 where Kafka does not tell."""
        committed = self.stream.committed()
        return -1 if committed < 0 else self.stream.written("raw") - committed


@contextmanager
def open_chain(engine: ProcessesEngine, folder: Path, rate: float, seed: int) -> Iterator[Chain]:
    """Everything is up and under load when the block begins."""
    with ExitStack() as stack:
        base, path = split(engine.addresses.schema_registry_url)
        registry = stack.enter_context(Proxy(base))
        queue = stack.enter_context(queue_of(engine, PREFIX.rstrip(".")))
        keys = SigningKeys.generate()
        server = stack.enter_context(JwksServer(keys))
        jwks = stack.enter_context(Proxy(split(server.url)[0]))
        environment = {
            **engine.addresses.environment(),
            "SCHEMA_REGISTRY_URL": registry.url + path,
            "KAFKA_TOPIC_PREFIX": PREFIX,
            "BRIDGE_SQS__QUEUE_URL": queue.url,
            "BRIDGE_WEBHOOK__ACCEPT": "both",
            "BRIDGE_WEBHOOK__JWKS_URL": f"{jwks.url}/jwks",
            "BRIDGE_SPOOL__DIRECTORY": str(folder / "spool"),
        }
        stream = QuietStream(environment, folder)
        sqs = stack.enter_context(Proxy(engine.addresses.sqs_endpoint_url))
        environment["BRIDGE_SQS__ENDPOINT_URL"] = sqs.url
        ledger = stack.enter_context(closing(Ledger(folder / "ledger.db")))
        oracle = stack.enter_context(closing(RawOracle(folder / "ledger.db")))

        def site(setup: Setup) -> Site:
            door = DoorProcess(setup.door, environment, folder / f"{setup.door}.log")
            stack.enter_context(door)
            return Site(engine, f"{PREFIX}raw", queue, setup, keys, jwks, sqs, door, ledger, oracle)

        sites = {"webhook": site(Setup()), "sqs": site(Setup(door="sqs"))}
        dice = Dice(f"{seed}/strikes")
        chain = Chain(engine, stream, registry, base + path, sites, ledger, oracle, dice)
        chain.crew = stack.enter_context(Crew(stream, folder))
        chain.crew.want("worker-1")
        chain.crew.one("worker-1").wait_until_ready()
        load = stack.enter_context(_load(chain, rate, seed))
        for each in sites.values():
            each.load = load
        yield chain


def split(url: str) -> tuple[str, str]:
    """Scheme, host and port; and the path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _load(chain: Chain, rate: float, seed: int) -> Load:
    site = chain.sites["webhook"]

    def senders() -> list[Sender]:
        url, dice = site.door.url, Dice(f"{seed}/signatures")
        plain: list[Sender] = [PlainWebhook(url, CONNECTIONS + 1) for _ in range(PLAIN)]
        signed = SignedWebhook(url, site.keys, dice, CONNECTIONS)
        sqs = [SqsQueue(site.queue.url, site.engine.addresses.sqs_endpoint_url) for _ in range(QUEUED)]
        return [*plain, signed, *sqs]

    feed = FeedPlan(
        count=ENDLESS,
        seed=seed,
        doors=DOORS,
        text_doors=frozenset(range(PLAIN + SIGNED, DOORS)),
        duplicates=0.01,
        disorder=0.02,
        malformed=0.005,
        unknown=0.01,
    )
    return Load(senders, LoadPlan(feed, rate, CONNECTIONS), chain.ledger)
