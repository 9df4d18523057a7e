"""Trouble is logged once in a while, not once per delivery; waiting ends with the order to stop."""

import asyncio
import logging
import time

import pytest

from bridge.ingress.backoff import Backoff, pause
from bridge.ingress.pulse import Pulse
from bridge.metrics import CATALOGUE
from bridge.rate_limit import RateLimit


def test_one_line_of_a_kind_and_then_how_many_were_held_back(caplog: pytest.LogCaptureFixture) -> None:
    moment = [0.0]
    log = logging.getLogger("tests.rate_limit")
    log.filters = [RateLimit(30, lambda: moment[0])]
    log.setLevel(logging.INFO)
    for number in range(5):
        log.warning("Kafka is away: %d", number)
    log.warning("SQS is away")
    moment[0] = 31
    log.warning("Kafka is away: %d", 5)
    moment[0] = 62
    log.warning("Kafka is away: %d", 6)
    log.info("stopped")
    log.info("stopped")
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka is away: 0",
        "SQS is away",
        "Kafka is away: 5 (4 more of these were not written)",
        "Kafka is away: 6",
        "stopped",
        "stopped",
    ]


def test_delays_double_with_jitter_up_to_a_limit_and_begin_again() -> None:
    backoff = Backoff(first=1, most=8)
    for whole in (1, 2, 4, 8, 8, 8):
        assert whole / 2 <= backoff.next() <= whole
    backoff.reset()
    assert backoff.next() <= 1
    assert len({Backoff(1, 8).next() for _ in range(20)}) > 1


def test_a_pause_ends_with_the_order_to_stop() -> None:
    async def go() -> None:
        stopping = asyncio.Event()
        await pause(stopping, 0.001)
        waiting = asyncio.create_task(pause(stopping, 3600))
        await asyncio.sleep(0)
        stopping.set()
        async with asyncio.timeout(30):
            await waiting

    asyncio.run(go())


def test_a_pulse_stops_with_the_loop_that_is_stuck() -> None:
    moment = [0.0]
    pulse = Pulse(30, lambda: moment[0])

    async def go() -> None:
        async with pulse.beating():
            moment[0] = 100
            await asyncio.sleep(0)
            assert pulse.alive()
            moment[0] = 131
            assert not pulse.alive(), "nothing has beaten since"

    asyncio.run(go())
    pulse.beat()
    assert pulse.alive()
    assert Pulse(30, time.monotonic).alive()


def test_every_metric_is_named_by_the_rules_and_says_what_it_is() -> None:
    for metric in CATALOGUE:
        (family,) = metric.describe()
        assert family.name.startswith("canvas_bridge_")
        assert family.documentation.endswith(".")
        assert family.type != "histogram" or family.name.endswith("_seconds")
        assert set(metric._labelnames) <= {"door", "reason", "outcome", "call", "kind"}
