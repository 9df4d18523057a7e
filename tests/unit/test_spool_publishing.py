"""Two ways to be stored: which one a delivery takes, and that it is acknowledged after either, not before."""

import asyncio
from pathlib import Path

import pytest

from bridge.ingress.base import Delivery, now
from bridge.kafka import NotStored, Unacceptable
from bridge.metrics import SPOOLED, STORED
from bridge.relay import Relay, raw_event
from bridge.spool.directory import SpoolUnusable
from bridge.spool.spool import HOUR
from bridge.status import STATUS
from tests.faulty_disk import FULL, watched_disk
from tests.unit.doors import metric, until
from tests.unit.spool_site import Site, ToldKafka, fill, left_in, record, spool_site

MINIMUM = 16 * 1_048_576


async def away(site: Site) -> None:
    """Kafka goes away, and that is known."""
    site.kafka.fail()
    await site.publish(record(0))
    assert site.spool.waiting == 1


async def refused(site: Site, number: int) -> NotStored | None:
    """Publishes a large record."""
    try:
        await site.publish(record(number, 1_000_000))
    except NotStored as error:
        return error
    return None


def test_while_kafka_confirms_the_disk_is_left_alone(tmp_path: Path) -> None:
    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                before = len(disk.ops)
                event = record(1)
                await site.publish(event)
                assert site.kafka.records == [event]
                assert site.kafka.topics == ["canvas.raw"]
                assert len(disk.ops) == before

    asyncio.run(go())


@pytest.mark.parametrize("failure", ["refused", "silent"])
def test_a_record_kafka_does_not_take_is_on_disk_before_it_is_acknowledged(
    tmp_path: Path, failure: str
) -> None:
    delivery = Delivery("webhook", b'{"n": 1}', now(), {"canvas.signature.kid": "k"})
    stored, spooled = metric(STORED, "webhook"), metric(SPOOLED)

    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                if failure == "refused":
                    site.kafka.fail()
                else:
                    site.kafka.open.clear()
                disk.open.clear()
                done: list[str] = []
                relay = Relay(site.spooling, "canvas.raw", 1000)
                taking = asyncio.create_task(relay.take(delivery, lambda: done.append("202")))
                await until(lambda: site.spool._intake.bytes)
                assert done == []
                disk.open.set()
                await taking
                assert done == ["202"]

    asyncio.run(go())
    assert left_in(tmp_path) == [raw_event(delivery)]
    assert (metric(STORED, "webhook"), metric(SPOOLED)) == (stored + 1, spooled + 1)


def test_while_records_wait_everything_goes_through_the_spool_in_order(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_site(tmp_path, kafka_seconds=8) as site:
            await away(site)
            site.kafka.failing = None
            site.kafka.open.clear()  # a Kafka that would make each delivery wait
            for n in range(1, 5):
                await site.publish(record(n))
            assert site.spool.waiting == 5
            site.kafka.open.set()
            await until(site.spool.emptied.is_set)
            await site.publish(record(5))
            assert [event.value for event in site.kafka.records] == [b"%d" % n for n in range(6)]

    asyncio.run(go())
    assert left_in(tmp_path) == []


def test_what_a_run_before_left_is_drained_at_the_start(tmp_path: Path) -> None:
    events = [record(n) for n in range(5)]
    fill(tmp_path, events)

    async def go() -> None:
        async with spool_site(tmp_path) as site:
            await until(site.spool.emptied.is_set)
            assert site.kafka.records == events

    asyncio.run(go())
    assert left_in(tmp_path) == []


def test_a_record_kafka_would_never_take_is_not_spooled(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_site(tmp_path) as site:
            site.kafka.fail(Unacceptable("message too large"))
            with pytest.raises(Unacceptable):
                await site.publish(record(1))
            assert site.spool.records == 0
            assert not site.spooling._away

    asyncio.run(go())


def test_full_and_kafka_away_it_refuses_at_once_and_asks_nobody(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_site(tmp_path, max_bytes=MINIMUM, kafka_seconds=8) as site:
            await away(site)
            assert site.spooling.ready()
            outcomes = [await refused(site, n) for n in range(20)]
            assert outcomes[0] is None
            assert "full" in str(outcomes[-1])
            last = record(99, 1_000_000)
            with pytest.raises(NotStored, match="full"):
                await site.publish(last)
            assert last.value not in site.kafka.offered

    asyncio.run(go())
    assert len(left_in(tmp_path)) > 10


def test_readiness_is_whether_a_delivery_can_be_stored(tmp_path: Path) -> None:
    moment = [now()]

    async def go() -> None:
        async with spool_site(tmp_path, clock=lambda: moment[0], max_age_hours=1) as site:
            assert site.spooling.ready()
            await away(site)
            assert site.spooling.ready(), "the spool takes them"
            moment[0] += 2 * HOUR
            assert not site.spooling.ready()
            with pytest.raises(NotStored, match="older"):
                await site.publish(record(1))
            assert STATUS.report()["spool"] == {
                "records": 1,
                "waiting": 1,
                "oldest_seconds": site.spool.oldest_seconds(),
                "kafka_away": True,
                "disk_trouble": None,
                "refuses_because": site.spool.refusal(),
            }
            site.kafka.failing = None
            await until(site.spool.emptied.is_set)
            assert site.spooling.ready()

    asyncio.run(go())


def test_at_its_bounds_but_with_kafka_back_deliveries_go_to_kafka(tmp_path: Path) -> None:
    moment = [now()]

    async def go() -> None:
        async with spool_site(tmp_path, clock=lambda: moment[0], max_age_hours=1) as site:
            await away(site)
            moment[0] += 2 * HOUR
            site.kafka.failing = None
            site.spooling._draining.cancel()  # it is far behind
            await asyncio.wait([site.spooling._draining])
            site.spooling._away_until = 0
            assert site.spooling.ready()
            await site.publish(record(7))
            assert [event.value for event in site.kafka.records] == [b"7"]

    asyncio.run(go())


def test_with_a_broken_disk_it_is_as_without_a_spool(tmp_path: Path) -> None:
    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                disk.refuse = {"write": FULL}
                site.kafka.fail()
                with pytest.raises(NotStored, match="disk refuses"):
                    await site.publish(record(1))
                assert not site.spooling.ready()
                site.kafka.failing = None
                await site.publish(record(2))
                assert site.spooling.ready()
                assert [event.value for event in site.kafka.records] == [b"2"]
                disk.refuse = {}

    asyncio.run(go())


def test_with_a_broken_disk_and_records_in_it_kafka_still_gets_the_new_ones(tmp_path: Path) -> None:
    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                await away(site)
                disk.refuse = {"write": FULL}
                with pytest.raises(NotStored, match="disk refuses"):
                    await site.publish(record(1))
                site.kafka.failing = None
                await until(lambda: site.kafka.records)  # the drain: published, but it cannot delete
                await site.publish(record(2))
                assert [event.value for event in site.kafka.records] == [b"0", b"2"]
                disk.refuse = {}
                await until(site.spool.emptied.is_set)

    asyncio.run(go())
    assert left_in(tmp_path) == []


def test_with_disk_and_kafka_broken_one_delivery_waits_and_the_others_do_not(tmp_path: Path) -> None:
    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path, kafka_seconds=8) as site:
                disk.refuse = {"write": FULL}
                site.kafka.fail()
                with pytest.raises(NotStored):
                    await site.publish(record(1))
                site.kafka.open.clear()
                site.kafka.asked.clear()
                asking = asyncio.create_task(site.publish(record(2)))
                await site.kafka.asked.wait()
                for n in range(3, 9):
                    with pytest.raises(NotStored):
                        await site.publish(record(n))
                assert not asking.done()
                site.kafka.failing = None
                site.kafka.open.set()
                await asking
                await site.publish(record(9))
                assert [event.value for event in site.kafka.records] == [b"2", b"9"]
                disk.refuse = {}

    asyncio.run(go())


def test_a_full_spool_of_a_run_before_is_refused_at_once_until_the_drain_has_found_out(
    tmp_path: Path,
) -> None:
    fill(tmp_path, [record(n, 1_000_000) for n in range(17)])

    async def go() -> None:
        kafka = ToldKafka()
        kafka.open.clear()
        async with spool_site(tmp_path, kafka, max_bytes=MINIMUM, kafka_seconds=8) as site:
            assert not site.spooling.ready()
            with pytest.raises(NotStored, match="full"):
                await site.publish(record(99))
            assert b"99" not in kafka.offered
            kafka.open.set()
            await until(site.spooling.ready)

    asyncio.run(go())


def test_a_silent_kafka_is_away_as_one_that_refuses(tmp_path: Path) -> None:
    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                disk.refuse = {"write": FULL}
                site.kafka.open.clear()
                with pytest.raises(NotStored):
                    await site.publish(record(1))
                assert not site.spooling.ready()
                disk.refuse = {}

    asyncio.run(go())


def test_an_old_failure_is_no_news(tmp_path: Path) -> None:
    moment = [0.0]

    async def go() -> None:
        with watched_disk() as disk:
            async with spool_site(tmp_path) as site:
                site.spooling._clock = lambda: moment[0]
                disk.refuse = {"write": FULL}
                site.kafka.fail()
                with pytest.raises(NotStored):
                    await site.publish(record(1))
                assert not site.spooling.ready()
                moment[0] = 31
                assert site.spooling.ready(), "else nobody would come who could ask again"
                disk.refuse = {}

    asyncio.run(go())


def test_a_stop_drains_what_it_can_and_keeps_the_rest(tmp_path: Path) -> None:
    async def go() -> None:
        kafka = ToldKafka()
        async with spool_site(tmp_path, kafka, drain_seconds=30) as site:
            await away(site)
            await site.publish(record(1))
            kafka.failing = None
        assert [event.value for event in kafka.records] == [b"0", b"1"]
        kafka.fail()
        async with spool_site(tmp_path, kafka, drain_seconds=0.05) as site:
            await site.publish(record(2))
            await site.publish(record(3))

    asyncio.run(go())
    assert [event.value for event in left_in(tmp_path)] == [b"2", b"3"]


def test_two_on_one_directory_are_refused(tmp_path: Path) -> None:
    async def go() -> None:
        async with spool_site(tmp_path):
            with pytest.raises(SpoolUnusable, match="another process"):
                async with spool_site(tmp_path):
                    pass

    asyncio.run(go())
    assert left_in(tmp_path) == []
