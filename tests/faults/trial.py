"""One fault from beginning to end: a load, the fault, its mending, and what the oracle says."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.sandbox.dice import Dice
from bridge.sandbox.engines.processes import ProcessesEngine
from bridge.sandbox.feed import FeedPlan
from bridge.sandbox.jwks_server import JwksServer, SigningKeys
from bridge.sandbox.senders import PlainWebhook, Sender, SignedWebhook, SqsQueue
from tests.faults.base import Fault, Setup, Site
from tests.faults.ledger import Ledger
from tests.faults.load import ENDLESS, Load, LoadPlan
from tests.faults.oracle import RawOracle, RawVerdict
from tests.faults.proxy import Proxy
from tests.faults.recovery import Probe
from tests.faults.small_disk import small_disk
from tests.integration.canvas_side import CanvasQueue
from tests.integration.door_process import DoorProcess, wait_for


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a trial. `rate` in deliveries a second; `around`: how many before the fault, and after it.

    `seconds`: the longest a fault lasts. `concurrency`: deliveries at a time.
    """

    rate: float = 200
    around: int = 500
    seconds: float = 60
    concurrency: int = 32


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one fault. `seconds`: to recover."""

    fault: str
    verdict: RawVerdict
    refused: int
    unanswered: int
    given_up: int
    seconds: float


def try_fault(fault: Fault, engine: ProcessesEngine, folder: Path, pace: Pace) -> Row:
    """Lets the fault happen. Raises AssertionError where the door does not recover, or does not end well."""
    with ExitStack() as stack:
        site = _open(fault.setup, engine, folder, stack)
        senders = _senders(site, pace)
        plan = LoadPlan(_feed(site), pace.rate, pace.concurrency, fault.setup.padding)
        site.load = stack.enter_context(Load(senders, plan, site.ledger))
        site.wait_for_accepted(pace.around)
        fault.begin(site)
        time.sleep(min(fault.setup.seconds, pace.seconds))
        fault.mend(site)
        seconds = _recover(site)
        site.wait_for_accepted(pace.around)
        site.load.stop()
        wait_for(
            lambda: site.spooled() == 0 and site.queue.left() == 0, "everything to be carried into Kafka"
        )
        assert site.door.stop() == 0, site.door.log()
        site.read_raw()
        return _row(fault.name, site, seconds)


def _recover(site: Site) -> float:
    """Seconds from now on."""
    mended = time.monotonic()
    Probe(site.load, site.servers, site.topic, seed=-1).wait()
    wait_for(lambda: site.spooled() == 0, "an empty spool")
    return time.monotonic() - mended


def _row(name: str, site: Site, seconds: float) -> Row:
    ledger = site.ledger
    ledger.flush()
    refused, unanswered = ledger.tries(answered=True), ledger.tries(answered=False)
    return Row(name, site.oracle.verdict(), refused, unanswered, ledger.given_up.total(), seconds)


def _open(setup: Setup, engine: ProcessesEngine, folder: Path, stack: ExitStack) -> Site:
    """The site, its door open."""
    name = f"fault{uuid.uuid4().hex[:12]}"
    keys = SigningKeys.generate()
    server = stack.enter_context(JwksServer(keys))
    jwks = stack.enter_context(Proxy(server.url.rsplit("/", 1)[0]))
    sqs = stack.enter_context(Proxy(engine.addresses.sqs_endpoint_url))
    queue = stack.enter_context(queue_of(engine, name))
    environment = {
        **engine.addresses.environment(),
        "KAFKA_TOPIC_PREFIX": f"{name}.",
        "BRIDGE_SQS__QUEUE_URL": queue.url,
        **({"BRIDGE_SQS__ENDPOINT_URL": sqs.url} if setup.sqs_proxy else {}),
        "BRIDGE_WEBHOOK__ACCEPT": "signed" if setup.signed else "plain",
        "BRIDGE_WEBHOOK__JWKS_URL": f"{jwks.url}/jwks",
        **({"BRIDGE_SPOOL__DIRECTORY": str(folder / "spool")} if setup.spool else {}),
        **setup.environment,
    }
    (folder / "spool").mkdir()
    if setup.disk:
        stack.enter_context(small_disk(folder / "spool", setup.disk))
    door = DoorProcess(setup.door, environment, folder / "log", setup.program)
    ledger = stack.enter_context(closing(Ledger(folder / "ledger.db")))
    oracle = stack.enter_context(closing(RawOracle(folder / "ledger.db")))
    site = Site(engine, f"{name}.raw", queue, setup, keys, jwks, sqs, door, ledger, oracle)
    if setup.topic:
        site.make_topic()
    stack.enter_context(door)
    return site


@contextmanager
def queue_of(engine: ProcessesEngine, name: str) -> Iterator[CanvasQueue]:
    """A queue of that name."""
    with closing(engine.addresses.sqs()) as client:
        url = client.create_queue(QueueName=name)["QueueUrl"]
        queue = CanvasQueue(engine, url)
        with closing(queue.client):
            yield queue
        client.delete_queue(QueueUrl=url)


def _feed(site: Site) -> FeedPlan:
    text = frozenset({0} if site.setup.door == "sqs" else ())
    return FeedPlan(count=ENDLESS, seed=1, text_doors=text, malformed=0.005, unknown=0.01)


def _senders(site: Site, pace: Pace) -> Callable[[], list[Sender]]:
    """What makes the one sender of a trial; it has a connection more, for the probe."""
    connections = pace.concurrency + 1

    def make() -> list[Sender]:
        if site.setup.door == "sqs":
            return [SqsQueue(site.queue.url, site.engine.addresses.sqs_endpoint_url)]
        if site.setup.signed:
            return [SignedWebhook(site.door.url, site.keys, Dice("signatures"), connections)]
        return [PlainWebhook(site.door.url, connections)]

    return make
