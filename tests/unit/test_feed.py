"""The order and the trouble of a feed, and that the processors make of it what it was made to be."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import orjson
import pytest

from bridge.contract import EVENT_NAME, EVENT_TIME, RawEvent
from bridge.identity import event_id
from bridge.sandbox.delivery import Delivery, Kind
from bridge.sandbox.feed import LATEST, Feed, FeedPlan, Format
from bridge.sandbox.live_events import LIVE_EVENTS, caliper
from bridge.sandbox.trouble import CALIPER_FLAWS, CANVAS_FLAWS, UNKNOWN_NAMES
from processors.catalogue import load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.records import Outcome

TROUBLED = FeedPlan(count=1500, seed=11, duplicates=0.05, disorder=0.1, malformed=0.05, unknown=0.05)
CATALOGUE = load_catalogue()
PIPELINE = Pipeline(CATALOGUE, FanOut(CATALOGUE, TopicNames(), defaultdict(int)))


def run(delivery: Delivery, *, attributes: bool) -> Outcome:
    named = ((EVENT_NAME, delivery.event_name), (EVENT_TIME, delivery.event_time)) if attributes else ()
    headers = tuple((name, value.encode()) for name, value in named if value is not None)
    (outcome,) = PIPELINE.run(RawEvent(delivery.payload, b"key", headers, 1_772_438_400_000))
    return outcome


def first_copies(deliveries: Iterable[Delivery]) -> list[Delivery]:
    return [delivery for delivery in deliveries if not delivery.repeats]


def test_the_same_plan_gives_the_same_bytes_and_another_seed_others() -> None:
    assert list(Feed(TROUBLED)) == list(Feed(TROUBLED))
    assert list(Feed(TROUBLED)) != list(Feed(replace(TROUBLED, seed=12)))


def test_a_small_feed_already_has_every_event() -> None:
    names = {delivery.event_name for delivery in Feed(FeedPlan(count=len(LIVE_EVENTS) + 1))}
    assert names == set(LIVE_EVENTS)


def test_the_most_frequent_events_are_visits_and_progress() -> None:
    names = Counter(delivery.event_name for delivery in Feed(FeedPlan(count=2000)))
    assert {name for name, _ in names.most_common(2)} == {"asset_accessed", "course_progress"}
    assert names["course_progress"] > 2000 * 0.08
    assert names["course_completed"] > 20


def test_only_the_events_asked_for_happen() -> None:
    wanted = frozenset({"module_created", "course_progress"})
    deliveries = list(Feed(replace(TROUBLED, events=wanted)))
    assert {delivery.event_name for delivery in deliveries if delivery.kind is Kind.EVENT} == wanted
    assert {delivery.kind for delivery in deliveries} == set(Kind)


def test_nobody_knows_the_unknown_names() -> None:
    assert not set(UNKNOWN_NAMES) & ({*CATALOGUE.events} | set(LIVE_EVENTS))


def test_the_count_is_of_deliveries_without_their_duplicates() -> None:
    deliveries = list(Feed(TROUBLED))
    assert len(first_copies(deliveries)) == TROUBLED.count
    repeats = len(deliveries) - TROUBLED.count
    assert 40 < repeats < 110
    assert len({event_id(delivery.payload) for delivery in deliveries}) == TROUBLED.count
    kinds = Counter(delivery.kind for delivery in first_copies(deliveries))
    assert 40 < kinds[Kind.MALFORMED] < 110
    assert 40 < kinds[Kind.UNKNOWN] < 110


def test_duplicates_are_the_same_event_at_the_same_door_in_the_same_or_another_order_of_keys() -> None:
    deliveries = list(Feed(replace(TROUBLED, doors=3)))
    originals = {event_id(delivery.payload): delivery for delivery in first_copies(deliveries)}
    repeats = [delivery for delivery in deliveries if delivery.repeats]
    same = 0
    for repeat in repeats:
        original = originals[event_id(repeat.payload)]
        assert repeat.door == original.door
        assert orjson.loads(repeat.payload) == orjson.loads(original.payload)
        same += repeat.payload == original.payload
    assert 0 < same < len(repeats)


def test_without_disorder_events_come_in_the_order_of_their_times() -> None:
    times = [delivery.event_time or "" for delivery in Feed(FeedPlan(count=500))]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_disorder_delays_some_events_by_a_bounded_number_of_places() -> None:
    orderly = [delivery.payload for delivery in Feed(FeedPlan(count=1000))]
    disorderly = [delivery.payload for delivery in Feed(FeedPlan(count=1000, disorder=0.1))]
    assert sorted(orderly) == sorted(disorderly)
    place = {payload: index for index, payload in enumerate(orderly)}
    delays = [index - place[payload] for index, payload in enumerate(disorderly)]
    assert 60 < sum(delay > LATEST * 0.2 for delay in delays) < 140
    assert max(delays) <= LATEST


def test_events_stay_the_same_whatever_is_doubled_or_delayed() -> None:
    plain = {delivery.payload for delivery in Feed(FeedPlan(count=300))}
    doubled = first_copies(Feed(FeedPlan(count=300, duplicates=0.3, disorder=0.3, doors=2)))
    assert {delivery.payload for delivery in doubled} == plain


def test_all_doors_have_their_share() -> None:
    shares = Counter(delivery.door for delivery in Feed(FeedPlan(count=900, doors=3)))
    assert set(shares) == {0, 1, 2}
    assert min(shares.values()) > 220


@pytest.mark.parametrize(("wanted", "least"), [(Format.CANVAS, 0), (Format.CALIPER, 400), (Format.BOTH, 100)])
def test_the_format_is_the_one_asked_for(wanted: Format, least: int) -> None:
    deliveries = list(Feed(FeedPlan(count=400, format=wanted, malformed=0.0, unknown=0.1)))
    in_caliper = [delivery for delivery in deliveries if b'"sensor"' in delivery.payload]
    assert (
        least <= len(in_caliper) <= (0 if wanted is Format.CANVAS else 300 if wanted is Format.BOTH else 400)
    )
    if wanted is Format.CALIPER:
        events = [delivery for delivery in deliveries if delivery.kind is Kind.EVENT]
        assert {delivery.event_name for delivery in events} <= set(caliper.FORMS)


@pytest.mark.parametrize("attributes", [True, False], ids=["sqs", "webhook"])
def test_the_processors_make_of_each_delivery_what_it_was_made_to_be(*, attributes: bool) -> None:
    flaws: set[str | None] = set()
    for delivery in Feed(TROUBLED):
        outcome = run(delivery, attributes=attributes)
        if delivery.kind is Kind.MALFORMED:
            assert outcome.failure is not None
            assert outcome.failure.reason == delivery.flaw
            flaws.add(delivery.flaw)
            continue
        assert outcome.event is not None, outcome.failure
        assert outcome.event.event_name == (delivery.event_name if delivery.kind is Kind.EVENT else None)
    assert flaws == set(CANVAS_FLAWS) | set(CALIPER_FLAWS)


def test_no_field_is_left_over_but_the_name_of_the_software_that_acted() -> None:
    for delivery in Feed(FeedPlan(count=1500, seed=4)):
        outcome = run(delivery, attributes=False)
        assert outcome.event is not None
        assert set(outcome.event.record["extra"]) <= {"/data/0/actor/id"}, delivery.event_name


def test_a_door_of_text_gets_no_other_bytes() -> None:
    plan = FeedPlan(count=300, malformed=1.0, doors=2, text_doors=frozenset({1}))
    flaws: defaultdict[int, set[str | None]] = defaultdict(set)
    for delivery in Feed(plan):
        flaws[delivery.door].add(delivery.flaw)
        if delivery.door == 1:
            assert delivery.payload.decode()
    assert flaws[0] - flaws[1] == {"invalid_encoding"}


@pytest.mark.parametrize("spaces", range(4))
def test_a_delivery_is_not_cut_within_a_character(spaces: int) -> None:
    body = "ø" * 20 + " " * spaces
    broken = CANVAS_FLAWS["invalid_json"](Delivery(f'{{"metadata":"{body}"}}'.encode(), None, None))
    assert broken.payload.decode()
    outcome = run(broken, attributes=False)
    assert outcome.failure is not None
    assert outcome.failure.reason == "invalid_json"
