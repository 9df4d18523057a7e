"""What a fault is, and what it finds: a door under a steady load, on a real Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.ingress.base import DoorName
from bridge.sandbox.engines.processes import ProcessesEngine
from bridge.sandbox.jwks_server import SigningKeys
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.oracle import RawOracle, everything_in
from tests.faults.proxy import Proxy
from tests.integration.canvas_side import CanvasQueue
from tests.integration.door_process import COMMAND, DoorProcess, wait_for

PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Setup:
    """What a fault needs around it.

    `signed`: the webhook takes signed deliveries only. `topic`: whether the raw topic is there at the start.
    `spool`: whether the webhook has one. `disk`: the size of a file system of its own for the spool, as
    `mount` has it. `environment`: of the door. `padding`: bytes by which events are larger. `seconds`: from
    the beginning of the fault to its mending. `program`: another door than ours.
    `sqs_proxy`: whether the door's way to SQS leads over the proxy, which costs throughput.
    """

    door: DoorName = "webhook"
    signed: bool = False
    topic: bool = True
    spool: bool = True
    disk: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    padding: int = 0
    seconds: float = 20.0
    sqs_proxy: bool = False
    program: Sequence[str] = COMMAND


@dataclass
class Site:
    """One door, its load, and what stands around it. `jwks` and `sqs` stand before the real things."""

    engine: ProcessesEngine
    topic: str
    queue: CanvasQueue
    setup: Setup
    keys: SigningKeys
    jwks: Proxy
    sqs: Proxy
    door: DoorProcess
    ledger: Ledger
    oracle: RawOracle
    load: Load = field(init=False)
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 2})

    @property
    def servers(self) -> str:
        """Of Kafka."""
        return self.engine.addresses.kafka_bootstrap_servers

    def make_topic(self) -> None:
        """The raw topic."""
        topic = NewTopic(self.topic, num_partitions=PARTITIONS)
        self.admin.create_topics([topic])[self.topic].result(30)

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric of the door over its labels, those with this text in them; 0 without any."""
        lines = self.door.get("/metrics").splitlines()
        own = [line for line in lines if line.startswith((f"{name}{{", f"{name} ")) and label in line]
        return sum(float(line.rpartition(" ")[2]) for line in own)

    def spooled(self) -> float:
        """Records in the spool."""
        return self.metric("canvas_bridge_spool_records")

    def wait_for_accepted(self, more: int) -> None:
        """Until the load has so many more answers of yes."""
        goal = self.ledger.accepted.total() + more

        def enough() -> bool:
            self.load.check()
            return self.ledger.accepted.total() >= goal

        wait_for(enough, f"{more} more accepted deliveries")

    def wait_for_refused(self, more: int) -> None:
        """Until the door has refused so many more tries."""
        goal = self.ledger.tries(answered=True) + more
        wait_for(lambda: self.ledger.tries(answered=True) >= goal, f"{more} more refused deliveries")

    def read_raw(self) -> None:
        """Shows the whole raw topic to the oracle."""
        with everything_in(self.servers, [self.topic]) as batches:
            for messages in batches:
                self.oracle.see(messages)


class Fault(Protocol):
    """A member of the family. What it does between `begin` and `mend`, the door must stand."""

    @property
    def name(self) -> str:
        """Its name in the table."""

    @property
    def setup(self) -> Setup:
        """What it needs around it."""

    def begin(self, site: Site) -> None:
        """Does it; returns once it has its effect. The load goes on."""

    def mend(self, site: Site) -> None:
        """Undoes it; from its return on the time to recover is counted."""
