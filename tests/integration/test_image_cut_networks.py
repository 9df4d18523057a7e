"""Our image while networks are cut and brokers go, under load: three brokers, replication 3, min.insync 2."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.cut_site import DURING, CutSite, under_load
from tests.integration.door_process import wait_for
from tests.integration.kafka_cluster import KafkaCluster
from tests.integration.networked_pod import Pod

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def site(cluster: KafkaCluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CutSite]:
    """A webhook and two workers."""
    found = CutSite(cluster, image, "cut.", tmp_path_factory.mktemp("cut"))
    found.prepare()
    with ExitStack() as stack:
        found.webhook = stack.enter_context(found.make_webhook())
        found.workers = [stack.enter_context(found.make_worker(name)) for name in ("one", "two")]
        for pod in (found.webhook, *found.workers):
            pod.wait_until_ready()
        yield found
    found.close()


def assignments(worker: Pod) -> list[str]:
    """What it was given, each time."""
    return [
        line.split("assigned partitions ")[1] for line in worker.log().splitlines() if "assigned p" in line
    ]


def test_a_webhook_cut_off_from_kafka_spools_and_drains(site: CutSite) -> None:
    with under_load(site, seed=1) as running:
        site.webhook.cut()
        running.accepted(DURING)
        spooled = site.webhook.metric("canvas_bridge_spool_records")
        site.webhook.join()
        wait_for(lambda: site.webhook.metric("canvas_bridge_spool_records") == 0, "an empty spool")
    assert spooled > 0
    assert running.ledger.tries(answered=True) == 0  # nothing was refused


def test_a_worker_cut_off_past_its_session_is_shut_out_and_comes_back(site: CutSite) -> None:
    one, two = site.workers
    with under_load(site, seed=2) as running:
        wait_for(lambda: two.is_ready() and one.is_ready(), "both workers")
        before = len(assignments(one))
        one.cut()
        wait_for(lambda: "[0, 1]" in assignments(two)[-1], "the other worker to have all partitions")
        running.accepted(DURING)
        one.join()
        wait_for(lambda: len(assignments(one)) > before, "partitions for the one that was cut off")
        wait_for(one.is_ready, "its readiness")


def test_a_broker_killed_and_then_one_cut_off_lose_nothing(site: CutSite) -> None:
    cluster, raw = site.cluster, f"{site.prefix}raw"
    with under_load(site, seed=3) as running:
        for strike, undo in ((cluster.kill, cluster.start_again), (cluster.cut, cluster.mend)):
            (broker, *_) = cluster.leaders(raw)
            strike(broker)
            running.accepted(DURING)
            site.wait_until_processed()
            wait_for(lambda broker=broker: broker not in cluster.leaders(raw), "other leaders")  # type: ignore[misc]
            undo(broker)
            wait_for(cluster.is_whole, "all copies in step")
