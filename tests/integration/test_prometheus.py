"""A real Prometheus over the running product: every query finds something, and alerts fire on real faults."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.identity import event_id
from bridge.sandbox.engines.base import Engine
from tests.dashboards import dashboards
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.engine_kafka import on_processes, without_containers
from tests.integration.hastened import hastened
from tests.integration.product import TROUBLE, Product, running
from tests.integration.refused_load import refuse

# Panels that are empty while nothing is wrong.
EMPTY = {"Certificate expires in", "Connections refused, by reason", "Spool, records B"}


def panels() -> Iterator[tuple[str, str]]:
    """Title and expression of every query of every dashboard, with Grafana's variables filled in."""
    for content in dashboards().values():
        for panel in json.loads(content)["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$namespace", ".*").replace("$__range", "1m")
                letter = "" if target["refId"] == "A" else f" {target['refId']}"
                yield f"{panel['title']}{letter}", expression.replace("$__rate_interval", "10s")


@on_processes
def test_every_panel_shows_something_of_a_running_flow(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment, tmp_path, hastened()) as product, delivering(product, "--rate", "40", *TROUBLE):
        prometheus = product.prometheus
        left = dict(panels())
        empty = {title: left.pop(title) for title in EMPTY}

        def all_found() -> bool:
            for title in [title for title, expression in left.items() if prometheus.query(expression)]:
                del left[title]
            return not left

        try:
            wait_for(all_found, "data")
        finally:
            assert not left
        # They are understood, and have nothing to show.
        assert not any(prometheus.query(expression) for expression in empty.values())
        broken = {"CanvasProcessorsDeadLetters"}  # 2 % are, on purpose
        wait_for(lambda: prometheus.firing() <= broken, "the end of what began with the start")
        assert len(prometheus.query("sum by (door) (canvas_bridge_stored_total) > 0")) == 2


class Rehearsal:
    """Faults that are really caused; it tells the seconds until each alert fires."""

    def __init__(self, product: Product, say: Callable[[str], None]) -> None:
        self.product = product
        self._say = say

    @contextmanager
    def expecting(self, fault: str, *alerts: str) -> Iterator[None]:
        """What is done inside makes these fire, which did not before."""
        firing = self.product.prometheus.firing
        assert not firing() & set(alerts)
        begun = time.monotonic()
        yield
        for alert in alerts:
            wait_for(lambda alert=alert: alert in firing(), f"the alert {alert}")  # type: ignore[misc]
            self._say(f"{fault:32} {alert:40} {time.monotonic() - begun:6.1f} s")

    def quiet(self) -> None:
        """Everything is mended. A worker that Kafka shut out is started again, as Kubernetes does."""
        worker, firing = self.product.worker, self.product.prometheus.firing

        def nothing_fires() -> bool:
            if worker.ended() is not None:
                worker.start()
            return not firing()

        try:
            wait_for(nothing_fires, "the end of all alerts")
        finally:
            assert not firing()


@pytest.fixture
def rehearsal(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Rehearsal]:
    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")  # noqa: T201 - what a rehearsal is for

    limit = {"DEAD_LETTER_LIMIT__MINIMUM": "20", "DEAD_LETTER_LIMIT__EVENTS": "50", "ROLLUPS": "false"}
    with running(environment, tmp_path, hastened(), **limit) as product:
        yield Rehearsal(product, say)


@without_containers
def test_alerts_fire_on_real_faults_and_end_with_them(engine: Engine, rehearsal: Rehearsal) -> None:
    product, expecting = rehearsal.product, rehearsal.expecting
    spool = ("CanvasBridgeSpoolHolding", "CanvasBridgeSpoolNearLimit", "CanvasBridgeNotStoring")
    with delivering(product, "--rate", "20", "--malformed", "0"):
        wait_for(lambda: product.prometheus.value("sum(canvas_processors_raw_records_total)") > 20, "a flow")
        rehearsal.quiet()
        if engine.name != "embedded":  # its Kafka is a thread of this process
            with expecting("Kafka stands still", *spool):
                engine.pause("kafka")
            engine.resume("kafka")
            rehearsal.quiet()
    with expecting("poison", "CanvasProcessorsDeadLetterLimitReached", "CanvasProcessorsStuck"):
        pour_poison(product)
    with expecting("the worker is killed", "CanvasBridgeTargetDown", "CanvasProcessorsWorkerDown"):
        product.worker.kill()
    with expecting("no keys after a restart", "CanvasBridgeKeysNotFetched"):
        product.jwks.close()
        product.webhook.kill()
        product.webhook.launch()
        wait_for(lambda: product.webhook.get("/metrics"), "the webhook")
    budget = ("CanvasBridgeDeliveryBudgetHalfUsed", "CanvasBridgeDeliveryBudgetNearlyUsed")
    with expecting("21,001 requests are refused", *budget):
        refuse(product.webhook.port, 21_001)


@contextmanager
def delivering(product: Product, *arguments: str) -> Iterator[None]:
    """Events all the time."""
    events = product.events(*arguments)
    try:
        yield
    finally:
        events.kill()
        events.wait()


def pour_poison(product: Product) -> None:
    """More that cannot be converted than the limit bears."""
    servers, topic = product.stream.servers, f"{product.stream.prefix}raw"
    with Producer({"bootstrap.servers": servers}) as producer:
        for number in range(200):
            value = b"{no JSON %d" % number
            producer.produce(topic, value, event_id(value).encode(), partition=0)
        assert producer.flush(PATIENCE) == 0
