"""The whole chain on a real engine: two doors, one to four workers, a registry; all under one load."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.sandbox.dice import Dice
from bridge.sandbox.engines.processes import ProcessesEngine
from bridge.sandbox.feed import FeedPlan
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from bridge.sandbox.senders import PlainWebhook, Sender, SignedWebhook, SqsQueue
from tests.faults.base import Setup, Site
from tests.faults.crew import Crew, QuietStream
from tests.faults.ledger import Ledger
from tests.faults.load import ENDLESS, Load, LoadPlan
from tests.faults.oracle import RawOracle
from tests.faults.proxy import Proxy
from tests.faults.small_disk import can_mount, small_disk
from tests.faults.surroundings import Surroundings
from tests.faults.trial import queue_of
from tests.integration.door_process import DoorProcess
from tests.integration.worker_process import Stream

PREFIX: Final = "soak."
SPOOL, SPOOL_DISK = "spool", "512m"
CONNECTIONS: Final = 16  # of each sender, so of as many doors as the feed has
# Of ten deliveries seven are plain, one is signed, two go to the queue: signing is dear for the sender.
PLAIN, SIGNED, QUEUED = 7, 1, 2
DOORS: Final = PLAIN + SIGNED + QUEUED


@dataclass
class Chain:
    """What a strike may hit. `sites`: the doors, as the faults of a door know them. `dice`: of the plan."""

    engine: ProcessesEngine
    folder: Path
    stream: Stream
    registry: Proxy
    registry_url: str
    sites: dict[str, Site]
    ledger: Ledger
    oracle: RawOracle
    dice: Dice
    around: Surroundings
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
        chain = _chain(engine, folder, seed, stack)
        for site in chain.sites.values():
            stack.enter_context(site.door)
        own = {**chain.stream.environment, **chain.around.environment("worker")}
        chain.crew = stack.enter_context(Crew(own, folder, chain.around.clocks["worker"]))
        chain.crew.want("worker-1")
        chain.crew.one("worker-1").wait_until_ready()
        load = stack.enter_context(_load(chain, rate, seed))
        for site in chain.sites.values():
            site.load = load
        yield chain


def _chain(engine: ProcessesEngine, folder: Path, seed: int, stack: ExitStack) -> Chain:
    """What the programs need is there; none of them runs yet."""
    base, path = split(engine.addresses.schema_registry_url)
    registry = stack.enter_context(Proxy(base))
    queue = stack.enter_context(queue_of(engine, PREFIX.rstrip(".")))
    keys = SigningKeys.generate()
    server = stack.enter_context(JwksServer(keys))
    jwks = stack.enter_context(Proxy(split(server.url)[0]))
    sqs = stack.enter_context(Proxy(engine.addresses.sqs_endpoint_url))
    around = stack.enter_context(Surroundings(engine, folder))
    environment = {
        **engine.addresses.environment(),
        "SCHEMA_REGISTRY_URL": registry.url + path,
        "KAFKA_TOPIC_PREFIX": PREFIX,
        "BRIDGE_SQS__QUEUE_URL": queue.url,
        "BRIDGE_SQS__ENDPOINT_URL": sqs.url,
        "BRIDGE_WEBHOOK__ACCEPT": "both",
        "BRIDGE_WEBHOOK__JWKS_URL": f"{jwks.url}/jwks",
        "BRIDGE_SPOOL__DIRECTORY": str(_spool(folder, stack)),
    }
    ledger = stack.enter_context(closing(Ledger(folder / "ledger.db")))
    oracle = stack.enter_context(closing(RawOracle(folder / "ledger.db")))

    def site(setup: Setup) -> Site:
        own = {**environment, **around.environment(setup.door)}
        program = around.clocks[setup.door].running("bridge")
        door = DoorProcess(setup.door, own, folder / f"{setup.door}.log", program)
        return Site(engine, f"{PREFIX}raw", queue, setup, keys, jwks, sqs, door, ledger, oracle)

    sites = {"webhook": site(Setup()), "sqs": site(Setup(door="sqs"))}
    stream, dice = QuietStream(environment, folder), Dice(f"{seed}/strikes")
    return Chain(engine, folder, stream, registry, base + path, sites, ledger, oracle, dice, around)


def _spool(folder: Path, stack: ExitStack) -> Path:
    """The folder of the webhook's spool, on a disk of its own where this user may mount one."""
    spool = folder / SPOOL
    spool.mkdir()
    if can_mount():
        stack.enter_context(small_disk(spool, SPOOL_DISK))
    return spool


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
