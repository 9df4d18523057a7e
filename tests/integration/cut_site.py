"""One webhook with a spool and two workers of our image beside three brokers, on networks that can be cut."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from bridge.contract import CE_ID
from bridge.sandbox.feed import FeedPlan
from bridge.sandbox.senders import PlainWebhook, Sender
from bridge.settings import KafkaSettings
from processors.topics.topic_scan import TopicScan
from tests.faults.ledger import Ledger
from tests.faults.load import ENDLESS, Load, LoadPlan
from tests.faults.oracle import RawOracle, everything_in, headers_of
from tests.faults.typed_oracle import TypedOracle
from tests.integration.commands import processors
from tests.integration.door_process import wait_for
from tests.integration.engine_kafka import delete_topics
from tests.integration.kafka_cluster import KafkaCluster
from tests.integration.networked_pod import ADMIN_PORT, SPOOL, Pod
from tests.integration.secured_broker import ADMIN

PARTITIONS: Final = 2
RATE: Final = 100.0
CONNECTIONS: Final = 16
DURING: Final = 100  # deliveries while something is away


@dataclass
class CutSite:
    """Everything is up. `prefix`: of the topics; `folder`: for ledgers."""

    cluster: KafkaCluster
    image: str
    prefix: str
    folder: Path
    webhook: Pod = field(init=False)
    workers: list[Pod] = field(init=False)
    _watcher: Consumer = field(init=False)

    @property
    def group(self) -> str:
        """Of the workers."""
        return self.prefix.rstrip(".")

    def here(self) -> dict[str, str]:
        """The variables of our commands on this machine."""
        own = {
            "KAFKA_TOPIC_PREFIX": self.prefix,
            "PROCESSORS_GROUP_ID": self.group,
            "PROCESSORS_TOPICS__PARTITIONS": str(PARTITIONS),
        }
        return self.cluster.environment(ADMIN) | own

    def pod(self, name: str, *command: str, image: str | None = None, **more: str) -> Pod:
        """A container on this site, not started."""
        inside = self.here() | self.cluster.environment(ADMIN, inside=True)
        environment = {**inside, **more}
        return Pod(f"{self.group}-{name}", self.cluster, image or self.image, command, environment)

    def make_webhook(self) -> Pod:
        """The door, with a spool."""
        return self.pod(
            "webhook",
            *("canvas-bridge", "webhook", "--host", "0.0.0.0", "--accept", "plain"),
            *("--admin-host", "0.0.0.0"),
            BRIDGE_SPOOL__DIRECTORY=f"{SPOOL}/spool",
        )

    def make_worker(self, name: str, image: str | None = None) -> Pod:
        """A worker with short patience."""
        return self.pod(
            name if image is None else f"{name}-anew",
            *("canvas-processors", "worker", "--admin-host", "0.0.0.0", "--admin-port", str(ADMIN_PORT)),
            image=image,
            PROCESSORS_INSTANCE_ID=name,
            PROCESSORS_ROLLUPS="false",
            PROCESSORS_SESSION_TIMEOUT_SECONDS="6",
            PROCESSORS_TRANSACTION_TIMEOUT_SECONDS="30",
        )

    def prepare(self) -> None:
        """Topics and schemas."""
        for arguments in (("topics", "create"), ("schemas", "register")):
            done = processors(self.here(), *arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        # Uncommitted: else it would wait for the end of every open transaction.
        own = {"group.id": self.group, "isolation.level": "read_uncommitted", "log_level": 0}
        self._watcher = Consumer(self.cluster.client_config(ADMIN, own))

    def wait_until_processed(self) -> None:
        """Until the workers have committed all that is in the raw topic now."""
        ends: list[int] = []

        def known() -> bool:
            with suppress(KafkaException):
                # Else it goes on asking a leader that is gone.
                self._watcher.list_topics(f"{self.prefix}raw", 10)
                ends[:] = [self._watcher.get_watermark_offsets(part, 10)[1] for part in self._parts]
            return len(ends) == PARTITIONS

        wait_for(known, "the end of the raw topic")
        wait_for(lambda: self._committed() >= sum(ends), f"the workers to process {sum(ends)} raw records")

    def _committed(self) -> int:
        try:
            done = self._watcher.committed(self._parts, 10)
        except KafkaException:
            return -1
        return -1 if any(part.error for part in done) else sum(max(0, part.offset) for part in done)

    @property
    def _parts(self) -> list[TopicPartition]:
        return [TopicPartition(f"{self.prefix}raw", number) for number in range(PARTITIONS)]

    def ids_in(self, name: str) -> Counter[str]:
        """How often each event_id stands in a topic, read committed."""
        given = {name.lower(): value for name, value in self.here().items() if name.startswith("KAFKA_")}
        kafka = KafkaSettings(**{name.removeprefix("kafka_"): value for name, value in given.items()})  # type: ignore[arg-type]
        found: Counter[str] = Counter()
        with closing(TopicScan(kafka, None)) as scan:
            scan.open([f"{self.prefix}{name}"])
            for messages, _ in scan.batches():
                found.update(headers_of(message)[CE_ID] for message in messages)
        return found

    def close(self) -> None:
        """Lets go of Kafka, and its topics go with it."""
        self._watcher.close()
        delete_topics(self.cluster.admin, self.prefix)


@dataclass
class UnderLoad:
    """A load on the webhook, and its ledger."""

    load: Load
    ledger: Ledger

    def accepted(self, more: int) -> None:
        """Waits for so many more answers of yes."""
        goal = self.ledger.accepted.total() + more

        def enough() -> bool:
            self.load.check()
            return self.ledger.accepted.total() >= goal

        wait_for(enough, f"{more} more accepted deliveries")


@contextmanager
def under_load(site: CutSite, seed: int) -> Iterator[UnderLoad]:
    """Deliveries come in while the block lasts; at its end everything is in Kafka once, as it was sent."""
    url = f"http://127.0.0.1:{site.webhook.port}/"
    feed = FeedPlan(count=ENDLESS, seed=seed, duplicates=0.02, malformed=0.005, unknown=0.01)

    def senders() -> list[Sender]:
        return [PlainWebhook(url, CONNECTIONS)]

    with ExitStack() as stack:
        ledger = stack.enter_context(closing(Ledger(site.folder / "ledger.db")))
        load = stack.enter_context(Load(senders, LoadPlan(feed, RATE, CONNECTIONS), ledger))
        running = UnderLoad(load, ledger)
        running.accepted(DURING)
        yield running
        running.accepted(DURING)
        load.stop()
        wait_for(lambda: site.webhook.metric("canvas_bridge_spool_records") == 0, "an empty spool")
        site.wait_until_processed()
        ledger.flush()
        assert_nothing_lost(site, seed)


def assert_nothing_lost(site: CutSite, seed: int) -> None:
    """All that was ever accepted on this site came out once, unchanged; and nothing else."""
    path = site.folder / f"verdict-{seed}.db"
    with (
        closing(sqlite3.connect(site.folder / "ledger.db")) as ledger,
        closing(sqlite3.connect(path)) as copy,
    ):
        ledger.backup(copy)
    with (
        closing(RawOracle(path)) as raw,
        closing(TypedOracle(path, site.prefix, site.cluster.registry_url)) as typed,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in site.here().items():
            patch.setenv(name, value)

        def expect(messages: list[Message]) -> None:
            raw.see(messages)
            typed.expect(messages)

        for topics, see in (([f"{site.prefix}raw"], expect), (typed.topics, typed.see)):
            with everything_in(site.cluster.servers, topics) as batches:
                for messages in batches:
                    see(messages)
        verdicts: tuple[Any, Any] = raw.verdict(), typed.verdict()
    assert verdicts[0].holds, verdicts
    assert verdicts[1].holds, verdicts
    assert verdicts[0].accepted > 2 * DURING
